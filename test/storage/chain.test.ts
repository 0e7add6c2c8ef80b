import { beforeEach, describe, expect, onTestFinished, test } from "vitest";

import { parseSequence, printSequence } from "../../src/domain/parts/sequence.ts";
import { migrate } from "../../src/storage/migrate/migrate.ts";
import { defaultMigrationsFolder, readMigrations } from "../../src/storage/migrate/migrations.ts";
import { openStore } from "../../src/storage/open.ts";
import { connectServer } from "../../src/storage/server/connect.ts";
import {
  describeOnEachDatabase,
  describeOnServer,
  emptyDatabaseUrl,
  type TestStore,
} from "../support/database.ts";
import { raw } from "./raw.ts";
import { NOON, revocation } from "./samples.ts";

const ALL = { kind: "all" } as const;
const DAY = 86_400_000;

/** The chain, reckoned anew from what the rows hold. */
const CHAIN = `
  with recursive chain as (
    select h.number, h.hash from revocation_hashes as h where h.number = 0
    union all
    select r.number, sha256(chain.hash || r.salt || int8send(r.number) || r.dedup || uuid_send(r.id)
      || timestamptz_send(r.revoked_at) || timestamptz_send(r.last_match_at)
      || convert_to(r.author, 'UTF8') || coalesce('\\x00'::bytea || convert_to(r.reason, 'UTF8'), '')
      || case when r.reason_public then '\\x00'::bytea else '' end)
    from chain join revocations as r on r.number = chain.number + 1
  )
  select max(chain.number)::int as number, bool_and(chain.hash = r.hash) as holds,
    bool_or(chain.number = log.last_number and chain.hash = log.hash) as ends, count(distinct r.salt)::int as salts
  from chain join revocations as r on r.number = chain.number, revocation_log as log`;

/** An entry as version 0.1.0 appends it, in SQL. */
const wanted = (
  n: number,
) => `jsonb_build_object('place', 0, 'dedup', repeat('0${n}', 32), 'id', gen_random_uuid(),
  'scope_kind', 'all', 'target_kind', 'key_id', 'target_key_id', 'k${n}', 'author', 'administrator',
  'revoked_at', now(), 'last_match_at', now() + interval '1 day')`;

describeOnEachDatabase("the log as a chain", (open) => {
  let db: TestStore;
  beforeEach(async () => {
    db = await open({ asOwner: true });
  });

  test("each entry's hash is over the one before it, batch or not, and the log ends with the last one's", async () => {
    const { revocations } = db.store;
    const beginning = (await revocations.state(0)).position;
    const one = await revocations.append([revocation(1)]);
    const more = await revocations.append([revocation(2), revocation(1), revocation(3, { reason: "a" })]);
    expect(one.entries[0]?.follows).toBe(beginning.hash);
    const [second, again, third] = more.entries;
    expect(second?.follows).toBe(one.entries[0]?.hash);
    expect(again).toEqual({ ...one.entries[0], follows: undefined });
    expect(third?.follows).toBe(second?.hash);
    const { position } = await revocations.state(0);
    expect(position).toEqual({ epoch: one.epoch, number: 3, hash: third?.hash });
  });

  test("a read tells the hash of a number, also once its entry has been dropped, for a day and before a kept one", async () => {
    const { revocations } = db.store;
    const { entries } = await revocations.append(
      [1, 2, 3, 4].map((n) => revocation(n, { lastMatchAt: n === 3 ? NOON + 90 * DAY : NOON })),
    );
    const hashes = entries.map(({ hash }) => hash);
    const told = () => Promise.all([1, 2, 3, 4].map(async (n) => (await revocations.state(n)).hashAt));
    expect(await told()).toEqual(hashes);
    expect((await revocations.read(2, 9, ALL)).hashAt).toBe(hashes[1]);
    expect((await revocations.load(0, 9, 3)).hashAt).toBe(hashes[2]);
    expect(await revocations.dropBefore(NOON + 1)).toBe(3);
    expect(await told()).toEqual(hashes);
    await revocations.dropBefore(Date.now() + DAY - 60_000);
    expect(await told()).toEqual(hashes);
    // The second stands before a kept entry, and the fourth is the last.
    await revocations.dropBefore(Date.now() + DAY + 60_000);
    expect(await told()).toEqual([undefined, ...hashes.slice(1)]);
    const { entries: next } = await revocations.append([revocation(5)]);
    expect(next[0]?.follows).toBe(hashes[3]);
    expect((await revocations.state(5)).hashAt).toBe(next[0]?.hash);
    expect((await revocations.state(6)).hashAt).toBeUndefined();
  });

  test("loading in parts ends each part with its entry's hash", async () => {
    const { revocations } = db.store;
    const { entries } = await revocations.append([1, 2, 3, 4, 5].map((n) => revocation(n)));
    const part = await revocations.load(0, 2, 0);
    expect(part.through).toEqual({ epoch: part.position.epoch, number: 2, hash: entries[1]?.hash });
    const last = await revocations.load(4, 2, part.through.number);
    expect(last.through).toEqual(part.position);
    expect(last.hashAt).toBe(entries[1]?.hash);
    const recent = entries.map(({ number, hash }) => ({ number, hash }));
    expect([part.recent, last.recent]).toEqual([recent.slice(0, 2), recent.slice(4)]);
  });

  test("the log knows its server, and says whether it is another one", async () => {
    const { server } = await db.store.revocations.state(0);
    expect(server).toEqual({
      inRecovery: false,
      here: {
        systemIdentifier: expect.stringMatching(/^\d{10,20}$/),
        database: expect.stringMatching(/^\d+\.\d+$/),
        timeline: 1,
      },
      home: server.here,
      disputed: null,
      wasSynchronous: false,
      isSynchronous: false,
    });
  });

  test("nothing is appended to a log that lacks an entry, until it has another epoch", async () => {
    const { revocations } = db.store;
    const { epoch } = await revocations.append([revocation(1)]);
    await revocations.dispute("another", "another-7");
    await revocations.dispute(epoch, `${epoch}-9`);
    await revocations.dispute(epoch, `${epoch}-10`); // the first stands
    expect((await revocations.state(0)).server.disputed).toBe(`${epoch}-9`);
    for (const entry of [revocation(1), revocation(2)]) {
      await expect(revocations.append([entry])).rejects.toMatchObject({ code: "unavailable" });
    }
    await db.store.transaction("fence", async (inner) => {
      await inner.revocations.hold();
      await inner.revocations.beginEpoch("b".repeat(32));
      expect((await inner.revocations.append([revocation(2)])).entries[0]?.number).toBe(2);
    });
    expect((await revocations.state(0)).server.disputed).toBeNull();
  });
});

describeOnServer("the log as a chain on the server", (open) => {
  test("holds when it is reckoned anew from the rows, whichever version appends", async () => {
    const { store, url = "" } = await open();
    await store.revocations.append([revocation(1), revocation(2, { reason: "🥖", reasonIsPublic: true })]);
    // As version 0.1.0 does, which reckons the numbers itself.
    const wanted = (
      n: number,
    ) => `jsonb_build_object('place', 0, 'dedup', repeat('0${n}', 32), 'id', gen_random_uuid(),
      'scope_kind', 'all', 'target_kind', 'key_id', 'target_key_id', 'k${n}', 'author', 'administrator',
      'revoked_at', now(), 'last_match_at', now() + interval '1 day')`;
    const old = (n: number) =>
      raw(
        url,
        `select last_number::int, place, number::int from public.bakehouse_log_append(jsonb_build_array(${wanted(n)}))`,
      );
    expect(await old(1)).toEqual([{ last_number: 2, place: null, number: null }]);
    expect(await old(2)).toEqual([{ last_number: 3, place: null, number: null }]);
    expect(await old(1)).toEqual([{ last_number: 4, place: 0, number: 3 }]);
    await Promise.all(Array.from({ length: 8 }, (_, n) => store.revocations.append([revocation(10 + n)])));
    expect(await raw(url, CHAIN)).toEqual([{ number: 12, holds: true, ends: true, salts: 12 }]);
  });

  test("begins behind entries of version 0.1.0, which have no hash; the last of them is known by the chain's beginning", async () => {
    const url = await emptyDatabaseUrl();
    const migrations = readMigrations(defaultMigrationsFolder());
    const connection = await connectServer({
      url,
      connectTimeout: 10_000,
      statementTimeout: 0,
      idleInTransactionTimeout: 60_000,
    })();
    onTestFinished(() => connection.close());
    await migrate(connection, { migrations: migrations.slice(0, 3), lock: "advisory" });
    await raw(url, `select count(*) from bakehouse_log_append(jsonb_build_array(${wanted(1)}))`);
    await raw(url, `select count(*) from bakehouse_log_append(jsonb_build_array(${wanted(2)}))`);
    await migrate(connection, { migrations, lock: "advisory" });
    const { revocations, close } = await openStore({ place: { kind: "server", url } });
    onTestFinished(close);
    const { position } = await revocations.state(0);
    expect(position).toEqual({
      epoch: expect.any(String),
      number: 2,
      hash: expect.stringMatching(/^[0-9a-f]{16}$/),
    });
    const { entries } = await revocations.append([revocation(3)]);
    expect(entries[0]?.follows).toBe(position.hash);
    expect((await revocations.state(1)).hashAt).toBeUndefined();
    expect((await revocations.state(2)).hashAt).toBe(position.hash);
    const read = await revocations.read(0, 9, ALL);
    expect(read.entries.map(({ hash }) => hash)).toEqual([undefined, undefined, entries[0]?.hash]);
    const part = await revocations.load(0, 2, 0);
    expect(part).toMatchObject({ through: { number: 2, hash: position.hash }, recent: [] });
    expect((await revocations.load(2, 2, 2)).recent).toEqual([{ number: 3, hash: entries[0]?.hash }]);
  });

  test.each([
    ["system_identifier", "'1'"],
    ["database", "'1.2'"],
    ["timeline", "9"],
  ])(
    "nothing is appended on a server with another %s, until the log is taken over or fenced",
    async (column, value) => {
      const { store, url = "" } = await open({ asOwner: true });
      await raw(url, `update revocation_log set ${column} = ${value}`);
      await expect(store.revocations.append([revocation(1)])).rejects.toMatchObject({ code: "unavailable" });
      await store.transaction("take over", async ({ revocations }) => {
        await revocations.hold();
        await revocations.takeOver();
      });
      await store.revocations.append([revocation(1)]);
      await raw(url, `update revocation_log set ${column} = ${value}`);
      // As version 0.1.0 fences.
      await raw(url, "update revocation_log set epoch = 'x'");
      await store.revocations.append([revocation(2)]);
    },
  );

  test("what a server does not tell is no difference", async () => {
    const { store, url = "" } = await open();
    await raw(url, "update revocation_log set system_identifier = null, database = null, timeline = null");
    expect((await store.revocations.append([revocation(1)])).entries).toHaveLength(1);
  });

  test.each([
    {
      name: "a later timeline and a synchronous last entry",
      set: "timeline = 0, synchronous = true",
      adopted: true,
    },
    { name: "an asynchronous last entry", set: "timeline = 0", adopted: false },
    { name: "an earlier timeline", set: "timeline = 2, synchronous = true", adopted: false },
    {
      name: "another cluster",
      set: "timeline = 0, synchronous = true, system_identifier = '1'",
      adopted: false,
    },
    { name: "another database", set: "timeline = 0, synchronous = true, database = '1.2'", adopted: false },
    { name: "a disputed log", set: "timeline = 0, synchronous = true, disputed = 'x'", adopted: false },
  ])("a promoted standby with $name is adopted: $adopted", async ({ set, adopted }) => {
    const { store, url = "" } = await open();
    await raw(url, `update revocation_log set ${set}`);
    const { position } = await store.revocations.state(0);
    expect(await store.revocations.adopt("another epoch")).toBe(false);
    expect(await store.revocations.adopt(position.epoch)).toBe(adopted);
    const append = store.revocations.append([revocation(1)]);
    if (adopted) await append;
    else await expect(append).rejects.toMatchObject({ code: "unavailable" });
  });

  test("the log says whether its last entry waited for a standby", async () => {
    const { store, url = "" } = await open();
    const was = async () => (await store.revocations.state(0)).server.wasSynchronous;
    await raw(url, "update revocation_log set synchronous = true");
    const { epoch } = await store.revocations.append([revocation(1)]);
    expect(await was()).toBe(false);
    await store.revocations.attest(epoch); // no standby is waited for
    expect(await was()).toBe(false);
  });
});

describe("sequences", () => {
  test("are read in the form of version 0.1.0, too, and written so that it takes them for another epoch", () => {
    const position = { epoch: "a".repeat(32), hash: "0123456789abcdef", number: 7 };
    const text = printSequence(position);
    expect(parseSequence(text)).toEqual(position);
    expect(parseSequence(`${position.epoch}-7`)).toEqual({ ...position, hash: undefined });
    const ofVersion010 = /^([A-Za-z0-9-]{1,64})-(0|[1-9][0-9]{0,14})$/.exec(text);
    expect(ofVersion010?.slice(1)).toEqual([`${position.epoch}-${position.hash}`, "7"]);
    for (const wrong of [
      "",
      "a",
      "a-",
      "-1",
      "a-01",
      "a-0123456789abcdeF-1",
      "a-0123-1",
      "a-0123456789abcdef-x",
    ])
      expect(parseSequence(wrong), wrong).toBeUndefined();
  });
});

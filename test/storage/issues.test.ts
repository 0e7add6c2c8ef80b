import { beforeAll, beforeEach, expect, test } from "vitest";

import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { raw } from "./raw.ts";
import { bytes, id, issue, NOON, platform, principal, revocation, uuid } from "./samples.ts";

const LEASE = 30_000;
const LIFE = 86_400_000;

describeOnEachDatabase("issues", (open) => {
  let db: TestStore;
  let round = 0;
  /** Each test has numbers of its own. */
  const nth = (n: number) => round * 100 + n;
  beforeAll(async () => {
    db = await open();
    await db.store.platforms.insert(platform("p"));
    await db.store.platforms.insert({ ...platform("q"), policy: { rules: [] } });
    await db.store.principals.ensure(principal("alice", { email: "alice@example.com" }));
  });
  beforeEach(() => {
    round += 1;
  });
  const recorded = async (n: number) => (await db.store.tokens.find(uuid(nth(n)), {}))?.token;
  const stored = (subject: string) => db.store.principals.find(id(`principal ${subject} p`));

  test("one look tells the time, the policies and the people", async () => {
    const alice = principal("alice", { email: "alice@example.com" });
    const nobody = principal("nobody");
    const before = await db.store.now();
    const { now, policies, principals } = await db.store.issues.look([
      alice,
      { ...alice, platform: "q" },
      nobody,
      alice,
      { ...alice, platform: "nowhere" },
      { ...alice, platform: "nul\0" },
      { ...alice, subject: "\ud800" },
      { ...alice, assertedBy: "platform" },
    ]);
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThan(before + 60_000);
    expect(policies).toEqual(
      new Map([
        ["p", platform("p").policy],
        ["q", { rules: [] }],
      ]),
    );
    const none = undefined;
    expect(principals).toEqual([alice, none, none, alice, none, none, none, none]);
  });

  test("a look at nobody tells the time", async () => {
    expect(await db.store.issues.look([])).toEqual({
      now: expect.any(Number),
      policies: new Map(),
      principals: [],
      saidAt: [],
    });
  });

  test("the database's clock is moved for a look as for everything else", async () => {
    const { now } = await db.store.issues.look([]);
    db.shift(1_000_000);
    expect((await db.store.issues.look([])).now - now).toBeGreaterThanOrEqual(1_000_000);
  });

  test("what is recorded comes back as it was given", async () => {
    const label = "nightly 🥖 \\ \"'";
    const given = issue(nth(1), { token: { ...issue(nth(1)).token, label, issuedBy: uuid(nth(9)) } });
    const plain = issue(nth(2));
    expect(await db.store.issues.record([given, plain])).toEqual(["recorded", "recorded"]);
    expect(await recorded(1)).toStrictEqual(given.token);
    expect(await recorded(2)).toStrictEqual(plain.token);
  });

  test("nothing is recorded of nothing", async () => {
    expect(await db.store.issues.record([])).toEqual([]);
  });

  test("people who are new are put on record with their tokens, once each, and changed ones changed", async () => {
    const bob = principal(`bob ${round}`);
    const carol = principal(`carol ${round}`, { development: true, createdAt: NOON - 5 });
    await db.store.principals.ensure(carol);
    const changed = { ...carol, email: "carol@example.com" };
    const outcomes = await db.store.issues.record([
      issue(nth(1), { principal: bob, newcomer: true }),
      issue(nth(2), { principal: changed, newcomer: true }),
      issue(nth(3), { principal: { ...bob, email: "bob@example.com" }, newcomer: true }),
    ]);
    expect(outcomes).toEqual(["recorded", "recorded", "recorded"]);
    expect(await stored(bob.subject)).toEqual({ ...bob, email: "bob@example.com" });
    expect(await stored(carol.subject)).toEqual(changed);
  });

  test("whoever is on record under another id is not issued to, and others are", async () => {
    const first = principal(`dave ${round}`);
    await db.store.principals.ensure(first);
    const second = { ...first, id: id(`second ${round}`), email: "dave@example.com" };
    const outcomes = await db.store.issues.record([
      issue(nth(1), { principal: second, newcomer: true }),
      issue(nth(2)),
      issue(nth(3), { principal: second, newcomer: true }),
    ]);
    expect(outcomes).toEqual(["principal taken", "recorded", "principal taken"]);
    expect(await recorded(1)).toBeUndefined();
    expect(await recorded(2)).toBeDefined();
    expect(await db.store.principals.find(second.id)).toBeUndefined();
  });

  test("an answer is kept with its token, and where the lease is lost neither is", async () => {
    const key = (n: number) => ({ hash: bytes(32, `key ${nth(n)}`), bodyHash: bytes(32, "body") });
    const answer = (n: number, lease: string) => ({
      hash: key(n).hash,
      lease,
      sealed: bytes(60, `answer ${nth(n)}`),
      life: LIFE,
    });
    for (const n of [1, 2]) await db.store.idempotency.claim(key(n), "mine", LEASE);
    const outcomes = await db.store.issues.record([
      issue(nth(1), { answer: answer(1, "mine") }),
      issue(nth(2), { answer: answer(2, "another's") }),
      issue(nth(3), { answer: answer(3, "never claimed") }),
    ]);
    expect(outcomes).toEqual(["recorded", "lease lost", "lease lost"]);
    expect(await recorded(2)).toBeUndefined();
    expect(await recorded(3)).toBeUndefined();
    const claims = await Promise.all([1, 2].map((n) => db.store.idempotency.claim(key(n), "again", LEASE)));
    expect(claims).toEqual([
      { state: "answered", sealed: bytes(60, `answer ${nth(1)}`) },
      { state: "in_flight" },
    ]);
  });

  test("an answer is not kept for whoever could not be put on record", async () => {
    const key = { hash: bytes(32, `key ${nth(1)}`), bodyHash: bytes(32, "body") };
    await db.store.idempotency.claim(key, "mine", LEASE);
    const first = principal(`erin ${round}`);
    await db.store.principals.ensure(first);
    const answer = { hash: key.hash, lease: "mine", sealed: bytes(60, "answer"), life: LIFE };
    const second = { ...first, id: id(`second ${round}`) };
    const outcomes = await db.store.issues.record([
      issue(nth(1), { principal: second, newcomer: true, answer }),
    ]);
    expect(outcomes).toEqual(["principal taken"]);
    expect(await db.store.idempotency.claim(key, "again", LEASE)).toEqual({ state: "in_flight" });
  });

  test.each([
    { what: "a repeated token", spoil: (n: number) => issue(n - 1, { event: issue(n).event }) },
    { what: "a repeated audit event", spoil: (n: number) => issue(n, { event: issue(n - 1).event }) },
    {
      what: "a platform that is not there",
      spoil: (n: number) => issue(n, { newcomer: true, principal: principal("x", { platform: "gone" }) }),
    },
    {
      what: "text that cannot be stored",
      spoil: (n: number) => issue(n, { newcomer: true, principal: principal("\0") }),
    },
  ])("one with $what undoes all of the call", async ({ spoil }) => {
    const newcomer = principal(`fay ${round}`);
    const call = db.store.issues.record([
      issue(nth(1), { principal: newcomer, newcomer: true }),
      issue(nth(2)),
      spoil(nth(3)),
    ]);
    await expect(call).rejects.toMatchObject({ name: "StorageError" });
    expect(await recorded(1)).toBeUndefined();
    expect(await recorded(2)).toBeUndefined();
    expect(await stored(newcomer.subject)).toBeUndefined();
  });
});

describeOnServer("issues at once", (open) => {
  test("an issue's audit event stands beside it, every member in its column", async () => {
    const { store, url = "" } = await open();
    await store.issues.record([issue(1), issue(2)]);
    expect(
      await raw(
        url,
        "select id, at::text, action, actor, platform, details from audit_events order by id limit 1",
      ),
    ).toEqual([
      {
        id: uuid(1),
        at: "2026-11-20 10:00:00.123+00",
        action: "token.issued",
        actor: issue(1).event.actor,
        platform: "p",
        details: issue(1).event.details,
      },
    ]);
  });

  test("thirty calls for the same two people, named in any order, put each on record once and never wait in a circle", async () => {
    const { store } = await open({ connections: 15 });
    await store.platforms.insert(platform("p"));
    const people = ["gus", "hal"].map((subject) => principal(subject));
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, n) => {
        const pair = people.map((one, k) =>
          issue(10 * n + k, { principal: { ...one, id: id(`${one.subject} ${n}`) }, newcomer: true }),
        );
        return store.issues.record(n % 2 === 0 ? pair : pair.toReversed());
      }),
    );
    const winners = outcomes.flat().filter((outcome) => outcome === "recorded");
    expect(winners).toHaveLength(2);
    const { principals } = await store.issues.look(people);
    expect(principals.every((one) => one !== undefined)).toBe(true);
  });

  test.each([
    { functions: "as they are", change: "select 1", scanned: false },
    {
      functions: "without their setting, to show that it is needed",
      change: `alter function public.bakehouse_log_write reset seq_page_cost;
        alter function public.bakehouse_record_issues reset seq_page_cost`,
      scanned: true,
    },
  ])("a table is read as a whole by the functions $functions: $scanned", async ({ change, scanned }) => {
    const { store, url = "" } = await open({ connections: 1 });
    await raw(url, change);
    const record = async (n: number) => {
      const hash = bytes(32, `hash ${n}`);
      await store.idempotency.claim({ hash, bodyHash: hash }, "lease", LEASE);
      const answer = { hash, lease: "lease", sealed: bytes(60, n), life: LIFE };
      expect(await store.issues.record([issue(n, { answer })])).toEqual(["recorded"]);
      await store.revocations.append([revocation(n)]);
    };
    // A server that has seen how small the tables are makes its plans for small tables.
    await record(1);
    await raw(url, "analyze idempotency, revocations");
    const scans = async () => {
      await store.refusesChanges(); // statistics are told by the connection's next statement, a moment later
      const [row] = await raw(
        url,
        `select sum(seq_scan)::int as scans, min(n_tup_ins)::int as written from pg_stat_user_tables
         where relname in ('idempotency', 'revocations')`,
      );
      return { scans: Number(row?.["scans"]), written: Number(row?.["written"]) };
    };
    await expect.poll(async () => (await scans()).written).toBe(1);
    const before = await scans();
    for (let n = 2; n <= 20; n++) await record(n);
    await expect.poll(async () => (await scans()).written).toBe(20);
    expect((await scans()).scans > before.scans).toBe(scanned);
  });
});

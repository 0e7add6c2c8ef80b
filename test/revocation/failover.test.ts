import postgres from "postgres";
import { describe, expect, onTestFinished, test } from "vitest";

import { takeWhole } from "../../src/domain/revoke/move-log.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { openStore } from "../../src/storage/open.ts";
import { atLength, casesOf } from "../support/form.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import {
  type InProcessReplica,
  newFleet,
  openServerStore,
  person,
  type ReplicaSettings,
  startReplica,
} from "../support/replica.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";

// test/drills/failover.ts with few entries, on servers that replicate.

const POLL = 50;
const SETTINGS = { wal_level: "replica", wal_keep_size: "64MB" };
const SYNCHRONOUS = { synchronous_standby_names: "standby" };
const BY_SYNCHRONY = { failover: "synchronous", restoreFence: "refuse" } as const;
const AUTO = { failover: undefined, restoreFence: "auto" } as const;

const portOf = (server: PostgresServer) => Number(new URL(server.url).port);

async function sql(server: { readonly url: string }, ...statements: readonly string[]) {
  const client = postgres(server.url, { max: 1, onnotice: () => {} });
  try {
    let rows: readonly Record<string, unknown>[] = [];
    for (const text of statements) rows = [...(await client.unsafe(text))];
    return rows;
  } finally {
    await client.end({ timeout: 1 });
  }
}

/** A primary and a hot standby that follows it, and replicas whose way to the database can be led elsewhere. */
async function openPair(settings: Readonly<Record<string, string>> = {}) {
  const common = { fsync: false, settings: { ...SETTINGS, ...settings } };
  const primary = await startPostgres(common);
  const standby = await startPostgres({
    ...common,
    standbyOf: primary.url,
    settings: { ...common.settings, cluster_name: "standby" },
  });
  const fleet = newFleet();
  const closing: (() => Promise<unknown>)[] = [];
  onTestFinished(async () => {
    for (const close of closing.reverse()) await close();
    await standby.stop();
    await primary.stop();
    fleet.remove();
  });

  async function start(server: PostgresServer, more: Partial<ReplicaSettings> = {}, deadline = 5_000) {
    const proxy = await startTcpProxy(portOf(server));
    closing.push(proxy.close);
    const store = await openStore({ place: { kind: "server", url: proxy.through(server.url) }, deadline });
    closing.push(store.close);
    const replica = await startReplica({ store, fleet, follow: { pollMilliseconds: POLL }, ...more });
    closing.push(replica.composed.stop);
    return { ...replica, lead: (to: PostgresServer | undefined) => proxy.lead(to && portOf(to)) };
  }

  return {
    primary,
    standby,
    start,
    async caughtUp() {
      const [at] = await sql(primary, "select pg_current_wal_lsn()::text as lsn");
      await until(async () => {
        const [row] = await sql(standby, `select pg_last_wal_replay_lsn() >= '${at?.["lsn"]}' as done`);
        return row?.["done"] === true;
      });
    },
    async cut() {
      await sql(standby, "alter system set primary_conninfo = ''", "select pg_reload_conf()");
      await until(async () => {
        const [row] = await sql(standby, "select count(*)::int as n from pg_stat_wal_receiver");
        return row?.["n"] === 0;
      });
    },
    async promote() {
      await primary.crash();
      await sql(standby, "select pg_promote(true, 60)");
      await sql(standby, "alter system set synchronous_standby_names = ''", "select pg_reload_conf()");
    },
  };
}

/** Waits until a replica has read what it was led to and refuses it. @param why in its last report */
async function refuses({ reports }: InProcessReplica, why: string): Promise<void> {
  await until(() => reports.at(-1)?.includes(why) === true);
}

describe("[postgres] a primary that is lost", () => {
  const orders = [
    { name: "with the replica first that knows its last entries", knowing: true },
    { name: "with the replica first that does not", knowing: false },
  ];
  test.each(casesOf(orders, ({ knowing }) => knowing))(
    "$name: nothing that was revoked is allowed, and nothing is revoked, until the fence",
    async ({ knowing }) => {
      const pair = await openPair();
      const [one, other] = [await pair.start(pair.primary), await pair.start(pair.primary)];
      const [lost, dead, good] = [await one.issue(), await one.issue(), await one.issue()];
      await pair.caughtUp();
      await pair.cut();
      other.lead(undefined);
      const sequence = await one.revoke(undefined, { kind: "token", token: lost.token });
      await pair.promote();
      const [first, second] = knowing ? [one, other] : [other, one];
      for (const replica of [first, second]) {
        replica.lead(pair.standby);
        await refuses(replica, "run `bakehouse restore-fence`");
        for (const token of [lost.token, good.token]) expect(await replica.verify(token)).toBe("unavailable");
        await expect(replica.revoke(undefined, { kind: "token", token: dead.token })).rejects.toMatchObject({
          code: "unavailable",
        });
        expect(await replica.verify(lost.token, sequence)).toBe("unavailable");
      }
      expect(one.reports.at(-1)).toContain("shorter than before");
      await expect.poll(() => other.reports.at(-1)).toContain(`lacks entry ${sequence}`);
      await expect(pair.start(pair.standby)).rejects.toMatchObject({
        name: "LogRefusedError",
        message: expect.stringContaining(`lacks entry ${sequence}`),
      });
    },
  );

  atLength(() => {
    test("is fenced by the replica that knows of lost entries, where it may; the others read on", async () => {
      const pair = await openPair();
      const one = await pair.start(pair.primary, { failover: AUTO });
      const other = await pair.start(pair.primary, { failover: AUTO });
      const [lost, good] = [await one.issue(), await one.issue()];
      await pair.caughtUp();
      await pair.cut();
      other.lead(undefined);
      await one.revoke(undefined, { kind: "token", token: lost.token });
      await pair.promote();
      other.lead(pair.standby);
      await expect.poll(() => other.verify(good.token)).toBe("unavailable");
      one.lead(pair.standby);
      for (const replica of [one, other]) {
        for (const { token } of [lost, good]) await expect.poll(() => replica.verify(token)).toBe("revoked");
        const fresh = await replica.issue();
        expect(await replica.verify(fresh.token)).toBe("allowed");
      }
      expect(one.reports).toContain("fenced");
      expect(other.reports).not.toContain("fenced");
    });
  });

  atLength(() => {
    test("goes on by itself where only a synchronous standby is promoted", async () => {
      const pair = await openPair(SYNCHRONOUS);
      await pair.caughtUp();
      const one = await pair.start(pair.primary, { failover: BY_SYNCHRONY });
      const [dead, good] = [await one.issue(), await one.issue()];
      await one.revoke(undefined, { kind: "token", token: dead.token });
      await pair.promote();
      one.lead(pair.standby);
      const moves = () =>
        sql(pair.standby, "select details ->> 'by' as by from audit_events where action = 'log.moved'");
      await expect.poll(moves).toEqual([{ by: "synchronous failover" }]);
      // It has been taken over: who does not know of the operator's word finds it at home.
      const fresh = await pair.start(pair.standby);
      for (const replica of [one, fresh]) {
        expect(await replica.verify(dead.token)).toBe("revoked");
        expect(await replica.verify(good.token)).toBe("allowed");
      }
      await one.revoke(undefined, { kind: "token", token: good.token });
      expect(await moves()).toHaveLength(1);
    });
  });

  atLength(() => {
    test("has acknowledged nothing that its standby did not confirm, whatever is set for the role", async () => {
      const pair = await openPair(SYNCHRONOUS);
      await pair.caughtUp();
      await sql(pair.primary, "alter role postgres set synchronous_commit = local");
      const one = await pair.start(pair.primary, { failover: BY_SYNCHRONY }, 2_000);
      const { token } = await one.issue();
      await pair.cut();
      const revoke = () => one.revoke(undefined, { kind: "token", token });
      const waits = "from pg_stat_activity where wait_event = 'SyncRep'";
      const cancelled = expect(revoke()).rejects.toMatchObject({ code: "unavailable" });
      await until(async () => (await sql(pair.primary, `select ${waits}`)).length > 0);
      // Whoever ends the wait makes the entry visible, and the server answers as if all were well.
      await sql(pair.primary, `select pg_cancel_backend(pid) ${waits}`);
      await cancelled;
      await expect.poll(() => one.verify(token)).toBe("revoked");
      // So it is there already now, and still no standby has it.
      await expect(revoke()).rejects.toMatchObject({ code: "unavailable" });
    });
  });
});

atLength(() => {
  test("[postgres] a hot standby is never fresh, to go on with or to start on; its primary is, again", async () => {
    const pair = await openPair();
    const one = await pair.start(pair.primary);
    const other = await pair.start(pair.primary);
    const [dead, good] = [await one.issue(), await one.issue()];
    await pair.caughtUp();
    await sql(pair.standby, "select pg_wal_replay_pause()");
    other.lead(pair.standby);
    await one.revoke(undefined, { kind: "token", token: dead.token });
    await refuses(other, "standby in recovery");
    for (const { token } of [dead, good]) expect(await other.verify(token)).toBe("unavailable");
    await expect(pair.start(pair.standby)).rejects.toThrow("standby in recovery");
    // A reader of the log would take what stands there for all that there is.
    const { revocations } = other.composed.service;
    const lagging = { code: "unavailable", message: expect.stringContaining("standby in recovery") };
    const admin = person("root", true);
    await expect(revocations.log(admin, undefined, 10)).rejects.toMatchObject(lagging);
    await expect(revocations.follow(admin, undefined, async () => admin)).rejects.toMatchObject(lagging);
    other.lead(pair.primary);
    await expect.poll(() => other.verify(dead.token)).toBe("revoked");
    expect(await other.verify(good.token)).toBe("allowed");
  });
});

atLength(() => {
  test("[postgres] a copy of the database is another one: it is refused until nothing is shown to be missing", async () => {
    const server = await startPostgres({ fsync: false });
    const fleet = newFleet();
    onTestFinished(async () => {
      await server.stop();
      fleet.remove();
    });
    const one = await startReplica({ store: await openServerStore(server.url), fleet });
    const [dead, good] = [await one.issue(), await one.issue()];
    const sequence = await one.revoke(undefined, { kind: "token", token: dead.token });
    await one.stop();
    const url = new URL(server.url);
    url.pathname = "/template1";
    await sql({ url: url.href }, "create database copied template postgres");
    url.pathname = "/copied";
    const copy = await openServerStore(url.href);
    await expect(startReplica({ store: copy, fleet })).rejects.toThrow(
      /\(database \d+\.\d+ then, \d+\.\d+ now\)/,
    );
    const options = { store: copy, randomness: systemRandomness };
    for (const wrong of [
      "nonsense",
      sequence.replace(/-[0-9a-f]{16}-/, "-"),
      sequence.replace(/-[0-9a-f]{16}-/, "-0123456789abcdef-"),
      sequence.replace(/\d+$/, "2"),
      sequence.replace(/^[0-9a-f]{32}/, "0".repeat(32)),
    ]) {
      await expect(takeWhole(options, wrong), wrong).rejects.toMatchObject({ code: "invalid_request" });
    }
    await takeWhole(options, sequence);
    const again = await startReplica({ store: copy, fleet });
    expect(await again.verify(dead.token)).toBe("revoked");
    expect(await again.verify(good.token)).toBe("allowed");
    await again.stop();
  });
});

import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

import { calmNow } from "../support/calm-clock.ts";
import { describeOn, testDatabaseUrl } from "../support/database.ts";
import { atLength, casesOf } from "../support/form.ts";
import {
  type InProcessReplica,
  newFleet,
  openServerStore,
  person,
  type ReplicaSettings,
  startReplica,
} from "../support/replica.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";
import { hammer, histogram, quantile } from "./hammer.ts";

/** So long that polling does not happen within a test. */
const NEVER = 2_000_000_000;

/** The text that is sent over the connection on which a replica hears of revocations, and over no other. */
const LISTENING = "bakehouse_revocations";

describeOn("postgres", "two replicas on one database", () => {
  let url: string;
  const fleet = newFleet();
  const running: InProcessReplica[] = [];
  const start = async (settings: Partial<ReplicaSettings> & { readonly url?: string } = {}) => {
    const replica = await startReplica({
      store: await openServerStore(settings.url ?? url),
      fleet,
      clock: { now: Date.now, monotonic: calmNow },
      ...settings,
    });
    running.push(replica);
    return replica;
  };
  beforeAll(async () => {
    url = await testDatabaseUrl();
  });
  afterAll(async () => {
    for (const { stop } of running) await stop();
    fleet.remove();
  });

  const ways = [
    { how: "by NOTIFY and by polling", follow: {}, bound: 1_500 },
    { how: "by NOTIFY alone", follow: { pollMilliseconds: NEVER }, bound: 3_000 },
    { how: "by polling alone", follow: { listens: false, pollMilliseconds: 200 }, bound: 2_000 },
  ];
  test.each(casesOf(ways, ({ how }) => how === "by NOTIFY and by polling"))(
    "what one revokes the other refuses, $how",
    async ({ follow, bound }) => {
      const [one, other] = [await start({ follow }), await start({ follow })];
      const { stale, unavailable, latencies } = await hammer(one, other, 160, calmNow);
      expect({ stale, unavailable }).toEqual({ stale: 0, unavailable: 0 });
      expect(latencies).toHaveLength(80);
      expect(quantile(latencies, 0.99), histogram(latencies)).toBeLessThan(bound);
      await Promise.all([one.stop(), other.stop()]);
      running.splice(0, 2);
    },
  );

  atLength(() => {
    test("NOTIFY alone keeps knowledge fresh while nothing is revoked", async () => {
      const replica = await start({ follow: { pollMilliseconds: NEVER } });
      const { token } = await replica.issue();
      const lastRead = () => calmNow() - replica.composed.knowledge.age();
      for (let time = 0; time < 2; time++) {
        const before = lastRead();
        await until(() => lastRead() > before);
      }
      expect(await replica.verify(token)).toBe("allowed");
    });
  });

  test("every kind of target arrives, key replacement and issue on the other replica included", async () => {
    const [one, other] = [await start(), await start()];
    const admin = person("root", true);
    const token = await one.issue("walt");
    const child = narrow(token.token, "agent = walts#1");
    const sequence = await one.revoke(admin, {
      kind: "agent",
      agent: "walts",
      tokenId: undefined,
      issuedBefore: undefined,
    });
    expect(await other.verify(child, sequence)).toBe("revoked");
    expect(await other.verify(token.token, sequence)).toBe("allowed");
    const { items } = await one.composed.service.keys.list(admin, "default", { limit: 1, after: undefined });
    const after = await one.revoke(admin, { kind: "key_id", keyId: items[0]?.keyId ?? "" });
    expect(await other.verify(token.token, after)).toBe("revoked");
    // The other replica has never heard of the new key, and knows that the old one signs no more.
    const fresh = await other.issue("walt");
    expect(await other.verify(fresh.token, after)).toBe("allowed");
    expect(await one.verify(fresh.token, after)).toBe("allowed");
    const last = await one.revoke(admin, { kind: "platform", platform: "default", issuedBefore: undefined });
    expect(await other.verify(fresh.token, last)).toBe("revoked");
  });

  atLength(() => {
    test("a replica that starts late knows everything, and waits for what it does not know", async () => {
      const one = await start();
      const tokens = await Promise.all(Array.from({ length: 50 }, () => one.issue("late")));
      for (const { token } of tokens.slice(1)) {
        await one.revoke(person("late"), { kind: "revocation_id", revocationId: linkOf(token) });
      }
      const other = await start();
      for (const [index, { token }] of tokens.entries()) {
        expect(await other.verify(token)).toBe(index === 0 ? "allowed" : "revoked");
      }
      const [first] = tokens;
      const { epoch, number } = other.composed.knowledge.position();
      expect(await other.verify(first?.token ?? "", `${epoch}-${number + 1_000}`)).toBe("unavailable");
      expect(await other.verify(first?.token ?? "", `${"0".repeat(32)}-1`)).toBe("unavailable");
      expect(await other.verify(first?.token ?? "", "nonsense")).toBe("invalid_request");
    });
  });

  test("a gap is caught up with: what was revoked while the network was gone holds when it is back", async () => {
    const proxy = await startTcpProxy(Number(new URL(url).port));
    const one = await start();
    const other = await start({ url: proxy.through(url) });
    const tokens = await Promise.all(Array.from({ length: 20 }, () => one.issue("gap")));
    proxy.cut();
    for (const { token } of tokens) await one.revoke(undefined, { kind: "token", token });
    const { epoch, number } = one.composed.knowledge.position();
    for (const { token } of tokens) {
      expect(await other.verify(token, `${epoch}-${number}`)).toBe("revoked");
    }
    await proxy.close();
  });

  atLength(() => {
    test("a LISTEN connection that is cut silently is replaced, and polling covers for it meanwhile", async () => {
      const proxy = await startTcpProxy(Number(new URL(url).port));
      const one = await start();
      const through = proxy.through(url);
      const polling = await start({ url: through, follow: { pollMilliseconds: 1_000 } });
      const listening = await start({ url: through, follow: { pollMilliseconds: NEVER } });
      const revoked = async () => {
        const { token } = await one.issue("silent");
        await one.revoke(undefined, { kind: "token", token });
        return token;
      };
      const refuses = (replica: InProcessReplica, token: string) =>
        until(async () => (await replica.verify(token)) === "revoked");
      await until(() => proxy.alive(LISTENING) === 2);

      proxy.blackHoleWhere(LISTENING); // new connections as well
      const meanwhile = await revoked();
      await refuses(polling, meanwhile);

      proxy.heal();
      await refuses(listening, meanwhile);
      expect(proxy.alive(LISTENING)).toBeGreaterThan(0);
      await refuses(listening, await revoked());
      await proxy.close();
    });
  });

  test("sixteen callers at once: every acknowledged revocation is there once, in one order, without a gap", async () => {
    const one = await start();
    const before = one.composed.knowledge.position().number;
    const recently = Date.now() - 86_400_000;
    const sequences = await Promise.all(
      Array.from({ length: 160 }, (_, n) =>
        one.revoke(person("root", true), {
          kind: "agent",
          agent: `crowd-${n % 40}`,
          tokenId: undefined,
          issuedBefore: recently,
        }),
      ),
    );
    const numbers = sequences.map((sequence) => Number(sequence.split("-").at(-1)));
    expect(new Set(numbers).size).toBe(40);
    expect(Math.max(...numbers)).toBe(before + 40);
  });

  test("one request of several that cannot be written fails alone", async () => {
    const one = await start();
    const admin = person("root", true);
    const agent = (name: string, issuedBefore?: number) =>
      one.revoke(admin, { kind: "agent", agent: name, tokenId: undefined, issuedBefore });
    const answers = await Promise.allSettled([
      agent("alone-1"),
      agent("alone-2", Date.now() + 9_000_000),
      agent("alone-3"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });
});

describeOn("postgres", "commit order is not sequence order", () => {
  test("a naive cursor misses a revocation that commits late; the log's reader does not", async () => {
    const url = await testDatabaseUrl();
    const fleet = newFleet();
    const store = await openServerStore(url);
    const replica = await startReplica({ store, fleet });
    const sql = postgres(url, { max: 4, onnotice: () => {} });
    await sql`create table naive (number bigserial primary key, target text not null)`;

    // The naive way: a sequence, and a reader that remembers the highest number it has seen.
    let cursor = 0;
    const seen: string[] = [];
    const read = async () => {
      const rows = await sql<{ number: string; target: string }[]>`
        select number, target from naive where number > ${cursor} order by number`;
      for (const { number, target } of rows) {
        seen.push(target);
        cursor = Number(number);
      }
    };
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let inserted = () => {};
    const isInserted = new Promise<void>((resolve) => {
      inserted = resolve;
    });
    const slow = sql.begin(async (tx) => {
      await tx`insert into naive (target) values ('slow')`;
      inserted();
      await held;
    });
    await isInserted;
    await sql`insert into naive (target) values ('fast')`;
    await read();
    release();
    await slow;
    await read();
    await read();
    expect(seen).toEqual(["fast"]); // 'slow' is acknowledged, and no reader will ever see it

    // The same schedule with ours: the slow transaction holds the counter, so nobody can get ahead of it.
    const tokens = [await replica.issue("naive-slow"), await replica.issue("naive-fast")];
    const [slowToken, fastToken] = tokens;
    let finish = () => {};
    const holding = new Promise<void>((resolve) => {
      finish = resolve;
    });
    let took = () => {};
    const isHeld = new Promise<void>((resolve) => {
      took = resolve;
    });
    const slowRevocation = store.transaction("slow", async (repositories) => {
      const log = await repositories.revocations.hold();
      const target = { kind: "token_id", id: slowToken?.tokenId ?? "" } as const;
      const entry = {
        id: slowToken?.tokenId ?? "",
        scope: { kind: "all" } as const,
        target,
        reason: null,
        author: "administrator",
        revokedAt: log.now,
        lastMatchAt: log.now + 1_000_000,
      };
      await repositories.revocations.append([entry]);
      took();
      await holding;
    });
    await isHeld;
    const fastRevocation = replica.revoke(undefined, { kind: "token", token: fastToken?.token ?? "" });
    let acknowledged = false;
    void fastRevocation.finally(() => {
      acknowledged = true;
    });
    await until(async () => {
      const [row] = await sql`
        select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row?.["waiting"] > 0;
    });
    expect(acknowledged).toBe(false);
    const other = await startReplica({ store: await openServerStore(url), fleet });
    expect(await other.verify(slowToken?.token ?? "")).toBe("allowed"); // not acknowledged yet
    finish();
    await slowRevocation;
    const sequence = await fastRevocation;
    for (const { token } of tokens) expect(await other.verify(token, sequence)).toBe("revoked");

    await sql.end();
    await other.stop();
    await replica.stop();
    fleet.remove();
  });
});

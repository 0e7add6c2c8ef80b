import { setTimeout as sleep } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import type { Clock } from "../../src/domain/ports/clock.ts";
import { calmNow } from "../support/calm-clock.ts";
import { testDatabaseUrl } from "../support/database.ts";
import { atLength, casesOf } from "../support/form.ts";
import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";
import {
  type Fleet,
  type InProcessReplica,
  newFleet,
  openServerStore,
  startReplica,
} from "../support/replica.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";

/** Milliseconds; the bound of these replicas. */
const STALENESS = 1_500;
/** How long any answer may take: the store's deadline for one query, and waiting. */
const LONGEST = 8_000;

/** Watches one replica while something happens to it. */
function watch(replica: InProcessReplica, good: string, dead: readonly string[], since: () => number) {
  const counts = { wrong: 0, allowed: 0, refused: 0, unavailable: 0 };
  let longest = 0;
  let lastGood = "";
  let stopped = false;
  const ask = async (token: string) => {
    const begun = calmNow();
    const outcome = await replica.verify(token);
    longest = Math.max(longest, calmNow() - begun);
    return { outcome, begun };
  };
  const running = (async () => {
    while (!stopped) {
      const { outcome } = await ask(good);
      lastGood = outcome;
      if (outcome === "allowed") counts.allowed += 1;
      else if (outcome === "unavailable") counts.unavailable += 1;
      else counts.wrong += 1; // an outage is never a refusal
      for (const token of dead) {
        const { outcome: said, begun } = await ask(token);
        // Acknowledged longer ago than the bound: to allow it now is the one thing that must not happen.
        if (said === "allowed" && begun - since() > STALENESS) counts.wrong += 1;
        if (said === "revoked") counts.refused += 1;
      }
      await sleep(10);
    }
  })();
  return {
    counts,
    longest: () => longest,
    until: (outcome: string) => until(() => lastGood === outcome),
    async stop() {
      stopped = true;
      await running;
    },
  };
}

describe("[postgres] faults between a replica and its database", () => {
  let server: PostgresServer | undefined;
  let proxy: TcpProxy;
  let fleet: Fleet;
  let one: InProcessReplica;
  let other: InProcessReplica;
  // The other replica's wall clock is moved.
  let wall = 0;

  async function startReplicas(url: string): Promise<void> {
    wall = 0;
    const clock: Clock = { now: Date.now, monotonic: calmNow };
    proxy = await startTcpProxy(Number(new URL(url).port));
    fleet = newFleet();
    one = await startReplica({ store: await openServerStore(url), fleet, staleness: STALENESS, clock });
    other = await startReplica({
      store: await openServerStore(proxy.through(url)),
      fleet,
      staleness: STALENESS,
      clock: { ...clock, now: () => Date.now() + wall },
    });
  }
  afterEach(async () => {
    await other.stop();
    await one.stop();
    await proxy.close();
    await server?.stop();
    server = undefined;
    fleet.remove();
  });

  async function prepare() {
    const { token: good } = await one.issue();
    const tokens = await Promise.all([one.issue(), one.issue(), one.issue()]);
    const dead = tokens.map(({ token }) => token);
    // Seen once, so that the fault hits a replica in its steady state.
    for (const token of [good, ...dead]) expect(await other.verifyPatiently(token)).toBe("allowed");
    return { good, dead };
  }
  const unready = async () =>
    (await other.composed.service.health.checks("verify")).filter(({ ok }) => !ok).map(({ name }) => name);
  const revokeAll = async (dead: readonly string[]) => {
    for (const token of dead) await one.revoke(undefined, { kind: "token", token });
    return calmNow();
  };

  atLength(() => {
    test("a black hole: refuses past the bound, and recovers by itself", async () => {
      await startReplicas(await testDatabaseUrl());
      const { good, dead } = await prepare();
      let acknowledged = Number.POSITIVE_INFINITY;
      const watched = watch(other, good, dead, () => acknowledged);
      proxy.blackHole();
      acknowledged = await revokeAll(dead);
      await watched.until("unavailable");
      expect(await unready()).toEqual(["revocations"]);
      await until(() => watched.counts.unavailable > 10);
      proxy.heal();
      await watched.until("allowed");
      await expect.poll(unready).toEqual([]);
      for (const token of dead) expect(await other.verifyPatiently(token)).toBe("revoked");
      await watched.stop();
      expect(watched.counts.wrong).toBe(0);
      expect(watched.longest()).toBeLessThan(LONGEST);
    });
  });

  atLength(() => {
    test("connections that are cut, again and again: nothing is missed", async () => {
      await startReplicas(await testDatabaseUrl());
      const { good, dead } = await prepare();
      let acknowledged = Number.POSITIVE_INFINITY;
      const watched = watch(other, good, dead, () => acknowledged);
      for (let n = 0; n < 5; n++) {
        proxy.cut();
        await sleep(100);
      }
      acknowledged = await revokeAll(dead);
      proxy.cut();
      await until(() => calmNow() > acknowledged + STALENESS);
      await watched.until("allowed");
      for (const token of dead) expect(await other.verifyPatiently(token)).toBe("revoked");
      await watched.stop();
      expect(watched.counts.wrong).toBe(0);
    });
  });

  test("Postgres killed -9 and started again: acknowledged revocations hold, and both replicas recover", async () => {
    const own = await startPostgres();
    server = own;
    await startReplicas(own.url);
    const { good, dead } = await prepare();
    let acknowledged = Number.POSITIVE_INFINITY;
    const watched = [
      watch(one, good, dead, () => acknowledged),
      watch(other, good, dead, () => acknowledged),
    ];
    // Revoked until the very end: what was acknowledged before the crash has to be there after it.
    const certain: string[] = [];
    let crashed = false;
    const revoking = (async () => {
      acknowledged = await revokeAll(dead);
      while (!crashed) {
        const { token } = await one.issue().catch(() => ({ token: "" }));
        if (token === "") break;
        await one.revoke(undefined, { kind: "token", token }).then(
          () => certain.push(token),
          () => undefined,
        );
      }
    })();
    await until(() => certain.length > 5);
    await own.crash();
    crashed = true;
    await revoking;
    for (const replica of watched) await replica.until("unavailable");
    await expect(one.revoke(undefined, { kind: "token", token: good })).rejects.toMatchObject({
      code: "unavailable",
    });
    await own.restart();
    for (const replica of watched) await replica.until("allowed");
    for (const token of [...dead, ...certain]) {
      expect([await one.verifyPatiently(token), await other.verifyPatiently(token)]).toEqual([
        "revoked",
        "revoked",
      ]);
    }
    for (const { stop } of watched) await stop();
    expect(watched.map(({ counts }) => counts.wrong)).toEqual([0, 0]);
    expect(Math.max(...watched.map(({ longest }) => longest()))).toBeLessThan(LONGEST);
  });

  const jumps = [
    { name: "half an hour ahead", step: 1_800_000 },
    { name: "100 days ahead and back", step: 100 * 86_400_000 },
    { name: "an hour back", step: -3_600_000 },
  ];
  test.each(casesOf(jumps, ({ step }) => step < 0))(
    "the wall clock steps $name: what is revoked stays revoked, and age is not read off it",
    async ({ step }) => {
      await startReplicas(await testDatabaseUrl());
      const { good, dead } = await prepare();
      const acknowledged = await revokeAll(dead);
      const watched = watch(other, good, dead, () => acknowledged);
      await watched.until("allowed");
      wall = step;
      await other.composed.maintenance.run();
      // Less than any step.
      expect(other.composed.knowledge.age()).toBeLessThan(60_000);
      // Until the log is read next it may find tokens expired; then it knows that it cannot tell.
      await watched.until("unavailable");
      wall = 0;
      await other.composed.maintenance.run();
      await watched.until("allowed");
      for (const token of dead) expect(await other.verifyPatiently(token)).toBe("revoked");
      expect(await other.verifyPatiently(good)).toBe("allowed");
      await watched.stop();
      if (step < 3_600_000) expect(watched.counts.wrong).toBe(0);
    },
  );
});

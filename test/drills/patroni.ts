import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { debianBinaries } from "../support/postgres-server.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { BOUND, type Fleet, openFleet, type Replica } from "./failover/fleet.ts";
import { sql } from "./failover/stage.ts";
import { lacking, type PatroniCluster, startPatroni } from "./patroni/cluster.ts";
import { type Load, startLoad } from "./patroni/load.ts";

// node test/drills/patroni.ts [--kills N] [--mode synchronous|asynchronous] [--script FILE]
// Patroni with etcd and HAProxy, as Debian packages them (patroni, etcd-server, haproxy): three nodes, two replicas of the
// service behind HAProxy, and under load the leader is killed again and again. In synchronous mode (FAILOVER=synchronous)
// nothing that was acknowledged is undone, and both replicas serve again by themselves within 30 s of each promotion. In
// asynchronous mode they refuse until they are fenced.

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "10" },
    mode: { type: "string" },
    script: { type: "string" },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const SERVES_WITHIN = 30_000;
const faults: string[] = [];

function expect(met: boolean, what: string): void {
  if (met) return;
  faults.push(what);
  say(`  ! ${what}`);
}

/** Waits until a replica allows a token and revokes another one. @returns milliseconds, infinite for longer than a minute */
async function untilServing(fleet: Fleet, at: Replica, begun: number): Promise<number> {
  while (performance.now() - begun < 60_000) {
    const [good, dead] = await fleet.issue(at, 2).catch(() => []);
    if (good !== undefined && dead !== undefined) {
      const revoked = await fleet.revoke(at, dead);
      const { allowed } = await fleet.ask(at, [good]);
      if (revoked.sequence !== undefined && allowed === 1) return performance.now() - begun;
    }
    await sleep(100);
  }
  return Number.POSITIVE_INFINITY;
}

/** Kills the leader and waits until another node leads. @returns when that was, and who was killed */
async function killLeader(cluster: PatroniCluster, what: "both" | "patroni") {
  const leader = await cluster.settle(2);
  const begun = performance.now();
  await leader.kill(what);
  for (;;) {
    const next = await cluster.leader();
    if (next !== undefined && next !== leader) return { leader, next, begun, promoted: performance.now() };
    await sleep(100);
  }
}

async function checkDead(fleet: Fleet, replicas: readonly Replica[], { dead }: Load): Promise<void> {
  for (const replica of replicas) {
    const { allowed, refused, unanswered, reason } = await fleet.ask(replica, dead.slice(-400));
    expect(allowed === 0, `${replica.name} allows ${allowed} revoked tokens`);
    expect(unanswered === 0 || refused === 0, `${replica.name} answers ${unanswered} not: ${reason}`);
  }
}

async function synchronous(script: string, binaries: string, kills: number): Promise<void> {
  const cluster = await startPatroni(binaries, true);
  try {
    await cluster.settle(2);
    const fleet = await openFleet(script, cluster);
    try {
      const env = { FAILOVER: "synchronous" };
      const replicas = [await fleet.start("one", cluster, env), await fleet.start("two", cluster, env)];
      const load = startLoad(fleet, replicas);
      for (let kill = 1; kill <= kills; kill += 1) {
        await sleep(3_000);
        const before = load.dead.length;
        // Every fifth time Patroni alone dies: its Postgres goes on as a primary that nobody holds back.
        const what = kill % 5 === 0 ? "patroni" : "both";
        const { leader, next, begun, promoted } = await killLeader(cluster, what);
        const times = await Promise.all(replicas.map((at) => untilServing(fleet, at, promoted)));
        await checkDead(fleet, replicas, load);
        const fresh = await fleet.start(`fresh ${kill}`, cluster, env);
        expect(fresh.service !== undefined, `a fresh replica does not start: ${fresh.refusal}`);
        await checkDead(fleet, [fresh], load);
        await fresh.stop();
        const seconds = (ms: number) => (ms / 1_000).toFixed(1);
        say(
          `  kill ${kill} (${what}): ${leader.name} -> ${next.name} after ${seconds(promoted - begun)} s, serving ${times
            .map(seconds)
            .join(
              " and ",
            )} s later; ${load.dead.length - before} revocations meanwhile, ${load.open()} without an answer so far`,
        );
        for (const time of times) expect(time <= SERVES_WITHIN, `served again only after ${seconds(time)} s`);
        await leader.rejoin();
      }
      await load.stop();
      await sleep(BOUND);
      await checkDead(fleet, replicas, load);
      for (const replica of replicas) {
        const { allowed, reason } = await fleet.ask(replica, load.good);
        expect(
          allowed === load.good.length,
          `${load.good.length - allowed} good tokens are refused: ${reason}`,
        );
      }
      expect(load.wrong() === 0, `${load.wrong()} revoked tokens were allowed under load`);
      const [moves] = await sql(
        cluster,
        "select count(*)::int as n from audit_events where action = 'log.moved'",
      );
      say(
        `  ${load.dead.length} acknowledged revocations, ${load.good.length} good tokens, taken over ${moves?.["n"]} times`,
      );
    } finally {
      await fleet.close();
    }
  } finally {
    await cluster.close();
  }
}

async function asynchronous(script: string, binaries: string): Promise<void> {
  const cluster = await startPatroni(binaries, false);
  try {
    await cluster.settle(2);
    const fleet = await openFleet(script, cluster);
    try {
      const replicas = [await fleet.start("one", cluster), await fleet.start("two", cluster)];
      const load = startLoad(fleet, replicas);
      await sleep(5_000);
      await killLeader(cluster, "both");
      await sleep(5_000 + BOUND);
      await load.stop();
      for (const replica of replicas) {
        const { allowed, refused, reason } = await fleet.ask(replica, [...load.dead, ...load.good]);
        expect(
          allowed === 0 && refused === 0,
          `${replica.name} answers: ${allowed} allowed, ${refused} refused`,
        );
        expect(
          /bakehouse restore-fence/.test(reason),
          `${replica.name} does not name the command: ${reason}`,
        );
        say(`  ${replica.name}: ${reason}`);
      }
      const fresh = await fleet.start("fresh", cluster);
      expect(/bakehouse restore-fence/.test(fresh.refusal), `a fresh replica: ${fresh.refusal || "starts"}`);
      const fence = await fleet.command(cluster, "restore-fence");
      expect(fence.code === 0, `no fence: ${fence.said}`);
      const reissue = await fleet.command(cluster, "bootstrap", "--reissue");
      expect(reissue.code === 0, `no new credentials: ${reissue.said}`);
      const times = await Promise.all(replicas.map((at) => untilServing(fleet, at, performance.now())));
      for (const time of times) expect(time <= SERVES_WITHIN, `does not serve after the fence: ${time}`);
      for (const replica of replicas) {
        const { allowed } = await fleet.ask(replica, [...load.dead, ...load.good]);
        expect(allowed === 0, `${replica.name} allows ${allowed} tokens from before the fence`);
      }
      expect(load.wrong() === 0, `${load.wrong()} revoked tokens were allowed under load`);
      say(`  ${load.dead.length} acknowledged revocations; refused until fenced, and served then`);
    } finally {
      await fleet.close();
    }
  } finally {
    await cluster.close();
  }
}

const binaries = debianBinaries();
const missing = lacking();
if (binaries === undefined || missing.length > 0) {
  say(
    `not run: this machine lacks ${[...missing, ...(binaries === undefined ? ["postgresql"] : [])].join(", ")}`,
  );
  process.exit(2);
}
const script = values.script ?? builtBundle();
for (const [mode, work] of [
  ["synchronous", () => synchronous(script, binaries, Number(values.kills))],
  ["asynchronous", () => asynchronous(script, binaries)],
] as const) {
  if (values.mode !== undefined && values.mode !== mode) continue;
  say(`${mode} mode, ${binaries}`);
  await work();
}
say(faults.length === 0 ? "all as it must be" : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

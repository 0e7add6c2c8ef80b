import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import postgres, { type Sql } from "postgres";

import { person } from "../support/replica.ts";
import type { Chart } from "./chart.ts";
import { verifyChart } from "./curve-chains.ts";
import { type Bench, type Cost, costOf, narrowed, newBench, type Shown } from "./curve-replica.ts";
import { fitLine, formula } from "./fit.ts";

const FLAT = "flat: nothing of it is read by verify";
const AT_ONCE = 32;

type Costs = (readonly [x: number, cost: Cost])[];

async function withBench<T>(use: (bench: Bench, sql: Sql) => Promise<T>): Promise<T> {
  const bench = await newBench();
  const sql = postgres(bench.databaseUrl, { max: 1, onnotice: () => {} });
  try {
    return await use(bench, sql);
  } finally {
    await sql.end();
    await bench.stop();
  }
}

/** Runs so many, a few at a time. */
async function many(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** Cost against the tokens that have ever been issued: of verify, and of issuing one more. */
export function issued(): Promise<Readonly<Record<string, Chart>>> {
  return withBench(async ({ replica }, sql) => {
    const first = await replica.issue();
    const root: Shown = { token: first.token, platform: "default" };
    const costs: Costs = [];
    const issuing: (readonly [number, number])[] = [];
    let there = 1;
    for (const size of [1_000, 10_000, 100_000, 1_000_000]) {
      // As if issued over the last month; so many by way of the service would take an hour.
      await sql`
        insert into tokens (id, platform, key_id, principal_id, revocation_id, issued_at, expires_at, caveats)
        select gen_random_uuid(), platform, key_id, principal_id, uuid_send(gen_random_uuid()),
          now() - n % 30 * interval '1 day', now() + interval '1 day', caveats
        from tokens, generate_series(1, ${size - there}) as n
        where id = ${first.tokenId}`;
      await sql`analyze tokens`;
      await settled(() => replica.issue());
      there = size;
      costs.push([size, await costOf(replica, (count) => narrowed([root], count))]);
      issuing.push([size, await issueCost((subject) => replica.issue(subject))]);
    }
    return {
      issued: verifyChart("Tokens ever issued: verify", "rows of tokens", costs, {
        formula: FLAT,
        logarithmic: true,
      }),
      "issued-issue": {
        title: "Tokens ever issued: issuing one more",
        formula: "flat but for the depth of three B-trees: log(rows)",
        x: "rows of tokens",
        y: "ms, one caller",
        logarithmic: true,
        lines: [{ name: "issue, acknowledged when it is on disk", points: issuing }],
      },
    };
  });
}

/** Waits until the database has written what it was filled with, and answers in time again. */
async function settled(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    try {
      return void (await ask());
    } catch {
      await sleep(1_000);
    }
  }
  throw new Error("the database did not settle");
}

/** Milliseconds, the best mean of several rounds. Each time of other people, since one may have so many tokens at once. */
async function issueCost(issue: (subject: string) => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round++) {
    const begun = performance.now();
    for (let count = 0; count < 50; count++) await issue(`person-${count}`);
    best = Math.min(best, (performance.now() - begun) / 50);
  }
  return best;
}

/** Cost against live revocations: of verify, and in memory. */
export async function revocations(): Promise<Readonly<Record<string, Chart>>> {
  const costs: Costs = [];
  const memory: (readonly [number, number])[] = [];
  for (const size of [1_000, 10_000, 100_000, 1_000_000]) {
    // A new replica for each, since it reads what was there before it at its start.
    await withBench(async ({ replica }, sql) => {
      await sql`
        insert into revocations (number, id, scope_kind, scope_platform, target_kind, target_revocation_id, dedup,
          author, revoked_at, last_match_at)
        select n, gen_random_uuid(), 'platform', 'default', 'revocation_id', uuid_send(gen_random_uuid()),
          sha256(int8send(n)), 'platform:default', now(), now() + (n % 90) * interval '1 day'
        from generate_series(1, ${size}::bigint) as n`;
      await sql`update revocation_log set last_number = ${size}`;
      const before = arrayBuffers();
      while (replica.composed.knowledge.size < size) await sleep(50);
      // Of fewer, whatever else the process holds is more than they are.
      if (size >= 10_000) memory.push([size, (arrayBuffers() - before) / size]);
      const root: Shown = { token: (await replica.issue()).token, platform: "default" };
      costs.push([size, await costOf(replica, (count) => narrowed([root], count))]);
    });
  }
  return {
    revocations: verifyChart("Live revocations: verify", "live revocations", costs, {
      formula: "flat: one look-up in a table for each link",
      logarithmic: true,
    }),
    "revocations-memory": {
      title: "Live revocations: memory of each replica",
      formula: "16 bytes a slot, in tables that are between 3/8 and 3/4 full",
      x: "live revocations",
      y: "bytes each",
      logarithmic: true,
      lines: [{ name: "the set", points: memory }],
    },
  };
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Bytes that arrays of bytes take, once what nobody holds any more has gone. */
function arrayBuffers(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

/** Cost against the number of people whose tokens are shown in turn. */
export function principals(): Promise<Readonly<Record<string, Chart>>> {
  return withBench(async ({ replica }) => {
    const roots: Shown[] = [];
    const costs: Costs = [];
    for (const size of [1, 10, 100, 1_000, 10_000]) {
      const from = roots.length;
      await many(size - from, async (index) => {
        const { token } = await replica.issue(`person-${from + index}`);
        roots.push({ token, platform: "default" });
      });
      costs.push([size, await costOf(replica, (count) => narrowed(sample(roots, count), count))]);
    }
    const chart = verifyChart("People", "principals with tokens in use", costs, {
      formula: "flat: they are in memory, 0.4 kB each",
      logarithmic: true,
    });
    return { principals: chart };
  });
}

/** Cost against the number of platforms that ask in turn. */
export function platforms(): Promise<Readonly<Record<string, Chart>>> {
  return withBench(async ({ replica }) => {
    const { service } = replica.composed;
    const administrator = person("root", true);
    const { policy } = await service.policies.get(administrator, "default");
    const roots: Shown[] = [];
    const costs: Costs = [];
    for (const size of [1, 10, 100, 1_000]) {
      const from = roots.length;
      await many(size - from, async (index) => {
        const platform = `platform-${from + index}`;
        await service.platforms.create(administrator, platform, policy);
        roots.push({ token: (await replica.issue(`person-${index}`, platform)).token, platform });
      });
      costs.push([size, await costOf(replica, (count) => narrowed(sample(roots, count), count))]);
    }
    const fit = fitLine(costs.map(([at, { fresh }]) => [at, fresh]));
    const chart = verifyChart("Platforms", "platforms that ask", costs, {
      formula: `flat: a key each in memory; ${formula(fit, "platforms")} µs`,
      logarithmic: true,
    });
    return { platforms: chart };
  });
}

/** As many as are needed, spread over all: reading each root again costs more than narrowing it. */
function sample(roots: readonly Shown[], count: number): readonly Shown[] {
  const step = Math.max(1, Math.floor(roots.length / count));
  const offset = Math.floor(Math.random() * step);
  return roots.filter((_, index) => index % step === offset).slice(0, count);
}

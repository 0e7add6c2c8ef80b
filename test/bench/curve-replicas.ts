import { setTimeout as sleep } from "node:timers/promises";

import postgres, { type Sql } from "postgres";

import { type InProcessReplica, openServerStore, platformCaller, startReplica } from "../support/replica.ts";
import type { Chart } from "./chart.ts";
import { newBench } from "./curve-replica.ts";
import { fitLine, formula } from "./fit.ts";

const SECONDS = 6;
const REVOCATIONS = 100;

/** Transactions that the database has ended. */
async function transactions(sql: Sql): Promise<number> {
  await sql`select pg_stat_clear_snapshot()`;
  const [row] = await sql<{ readonly count: string }[]>`
    select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()`;
  return Number(row?.count);
}

/** What the database does for replicas: while nothing happens, and for each revocation. Verifying costs it nothing. */
export async function databaseReads(): Promise<Readonly<Record<string, Chart>>> {
  const bench = await newBench();
  const sql = postgres(bench.databaseUrl, { max: 1, onnotice: () => {} });
  const more: InProcessReplica[] = [];
  const idle: (readonly [number, number])[] = [];
  const told: (readonly [number, number])[] = [];
  for (const size of [1, 2, 4, 8, 16]) {
    while (more.length < size - 1) {
      more.push(await startReplica({ store: await openServerStore(bench.databaseUrl), fleet: bench.fleet }));
    }
    await sleep(2_000); // what a start asks for is over, and counted: the server does that each second
    const before = await transactions(sql);
    await sleep(SECONDS * 1_000);
    const quiet = ((await transactions(sql)) - before) / SECONDS;
    idle.push([size, quiet]);
    const begun = performance.now();
    for (let count = 0; count < REVOCATIONS; count++) {
      const revocationId = Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString("base64url");
      await bench.replica.revoke(platformCaller("default"), { kind: "revocation_id", revocationId });
      await sleep(20); // so that each is read by itself, as it is where they are rare
    }
    await sleep(2_000);
    const elapsed = (performance.now() - begun) / 1_000;
    told.push([size, ((await transactions(sql)) - before - quiet * (SECONDS + elapsed)) / REVOCATIONS]);
  }
  await Promise.all(more.map((replica) => replica.stop()));
  await sql.end();
  await bench.stop();
  return {
    replicas: {
      title: "Replicas: what they ask of the database",
      formula: `idle ${formula(fitLine(idle), "n")} a second; a revocation ${formula(fitLine(told), "n")}`,
      x: "n replicas",
      y: "transactions",
      logarithmic: false,
      lines: [
        { name: "a second, idle", points: idle },
        { name: "for one revocation", points: told },
      ],
    },
  };
}

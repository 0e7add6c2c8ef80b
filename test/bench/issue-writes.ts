import { randomUUID } from "node:crypto";

import postgres from "postgres";

import { quantile, workers } from "../revocation/hammer.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { credential, newHome, startService } from "../support/process-service.ts";
import { newFleet, openServerStore, platformCaller, startReplica } from "../support/replica.ts";
import { httpRate } from "./http-load.ts";

/** Writes a second at 64 callers. */
export interface Issues {
  /** Through the use case, in this process. */
  readonly service: number;
  /** Through HTTP, of a process of its own. */
  readonly http: number;
  /** Two rows in one transaction. */
  readonly twoRows: number;
}

const CALLERS = 64;
/** As many as a service opens. */
const CONNECTIONS = 10;
const ROUNDS = 7;
const ROUND = 1_500;

async function rate(write: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  let written = 0;
  await workers(CALLERS, async () => {
    while (performance.now() - begun < ROUND) {
      await write();
      written += 1;
    }
  });
  return (written * 1_000) / (performance.now() - begun);
}

function databaseBeside(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

/** Issues of a few people's tokens with two caveats, and bare transactions that insert as many rows of a like size. */
export async function measureIssues(url: string): Promise<Issues> {
  const sql = postgres(url, { max: CONNECTIONS, onnotice: () => {} });
  await sql`create database bench_http`;
  await sql`create table bench_token (id uuid primary key, platform text not null, caveats jsonb not null, at timestamptz not null)`;
  await sql`create table bench_audit (id uuid primary key, action text not null, details jsonb not null, at timestamptz not null)`;
  const caveats = JSON.stringify([{ text: "time < 2026-12-01T00:00:00Z" }, { text: "action in read, list" }]);
  const details = JSON.stringify({ token_id: randomUUID(), key_id: "0123456789abcdef", expires_at: 1 });
  const twoRows = () =>
    sql.begin(async (tx) => {
      await tx`insert into bench_token values (${randomUUID()}, 'default', ${caveats}::text::jsonb, now())`;
      await tx`insert into bench_audit values (${randomUUID()}, 'token.issued', ${details}::text::jsonb, now())`;
    });

  const fleet = newFleet();
  const replica = await startReplica({ store: await openServerStore(url), fleet });
  const caller = platformCaller("default");
  const people = Array.from({ length: 20 }, (_, n) => `person-${n}`);
  let next = 0;
  const issue = () =>
    replica.composed.service.tokens.issue(caller, {
      platform: "default",
      ttl: 3_600,
      caveats: ["action in read, list"],
      thirdPartyCaveats: [],
      label: undefined,
      onBehalfOf: { issuer: undefined, subject: people[next++ % people.length] ?? "" },
    });

  const home = newHome(databaseBeside(url, "bench_http"));
  const script = builtBundle();
  const boot = run(script, ["bootstrap"], { env: home.env });
  if ((await boot.ended).code !== 0) throw new Error(boot.stderr());
  const served = await startService(script, home, { LOG_LEVEL: "warn" });
  const request = {
    path: "/v1/tokens",
    token: credential(home, "default.token"),
    body: JSON.stringify({
      platform: "default",
      ttl: 3_600,
      caveats: ["action in read, list"],
      on_behalf_of: { subject: "person" },
    }),
    status: 201,
  };
  try {
    const rounds: Issues[] = [];
    for (let n = 0; n <= ROUNDS; n++) {
      const round = {
        service: await rate(issue),
        twoRows: await rate(twoRows),
        http: await httpRate(served.url, request, { connections: CALLERS, milliseconds: ROUND }),
      };
      if (n > 0) rounds.push(round); // the first warms up
    }
    const median = (pick: (round: Issues) => number) => quantile(rounds.map(pick), 0.5);
    return {
      service: median((round) => round.service),
      http: median((round) => round.http),
      twoRows: median((round) => round.twoRows),
    };
  } finally {
    await served.end("SIGTERM");
    home.remove();
    await sql.end();
    await replica.stop();
    fleet.remove();
  }
}

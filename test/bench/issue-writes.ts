import { randomUUID } from "node:crypto";

import postgres from "postgres";

import { workers } from "../revocation/hammer.ts";
import { run } from "../support/process.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { credential, newHome, startService } from "../support/process-service.ts";
import { newFleet, openServerStore, platformCaller, startReplica } from "../support/replica.ts";
import { httpRate } from "./http-load.ts";

/** Writes a second at 64 callers, of each round. */
export interface Issues {
  /** Through the use case, in this process. */
  readonly service: readonly number[];
  /** Through HTTP, of a process of its own. */
  readonly http: readonly number[];
  /** Two rows in one transaction. */
  readonly twoRows: readonly number[];
}

const CALLERS = 64;
/** As many as a service opens. */
const CONNECTIONS = 10;

async function rate(write: () => Promise<unknown>, milliseconds: number): Promise<number> {
  const begun = performance.now();
  let written = 0;
  await workers(CALLERS, async () => {
    while (performance.now() - begun < milliseconds) {
      await write();
      written += 1;
    }
  });
  return (written * 1_000) / (performance.now() - begun);
}

/**
 * Issues of a few people's tokens with two caveats, and bare transactions that insert as many rows of a like size.
 *
 * @param urls of two empty databases of one server
 */
export async function measureIssues(
  [url, httpUrl]: readonly [string, string],
  { rounds, milliseconds }: { readonly rounds: number; readonly milliseconds: number },
): Promise<Issues> {
  const sql = postgres(url, { max: CONNECTIONS, onnotice: () => {} });
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

  const home = newHome(httpUrl);
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
    const found = { service: [] as number[], http: [] as number[], twoRows: [] as number[] };
    for (let n = 0; n <= rounds; n++) {
      const service = await rate(issue, milliseconds);
      const twoRowed = await rate(twoRows, milliseconds);
      const http = await httpRate(served.url, request, { connections: CALLERS, milliseconds });
      if (n === 0) continue; // it only warms up
      found.service.push(service);
      found.twoRows.push(twoRowed);
      found.http.push(http);
    }
    return found;
  } finally {
    await served.end("SIGTERM");
    home.remove();
    await sql.end();
    await replica.stop();
    fleet.remove();
  }
}

import { randomBytes } from "node:crypto";

import postgres from "postgres";

import { quantile, workers } from "../revocation/hammer.ts";
import { newFleet, openServerStore, platformCaller, startReplica } from "../support/replica.ts";

/** Writes a second at 16 callers. */
export interface Writes {
  readonly revoke: number;
  readonly insert: number;
  readonly ratio: number;
}

const CALLERS = 16;
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

/** One revocation a call, audited and acknowledged, beside a bare insert of one row on the same server. */
export async function measureWrites(url: string): Promise<Writes> {
  const fleet = newFleet();
  const replica = await startReplica({ store: await openServerStore(url), fleet });
  const sql = postgres(url, { max: CALLERS, onnotice: () => {} });
  await sql`create table bench (number bigserial primary key, target bytea not null, at timestamptz not null)`;
  const caller = platformCaller("default");
  const revoke = () =>
    replica.revoke(caller, { kind: "revocation_id", revocationId: randomBytes(16).toString("base64url") });
  const insert = () =>
    sql`insert into bench (target, at) values (${randomBytes(16)}, now()) returning number`.execute();
  const rounds: { readonly revoke: number; readonly insert: number }[] = [];
  for (let n = 0; n <= ROUNDS; n++) {
    const both = { revoke: await rate(revoke), insert: await rate(insert) };
    if (n > 0) rounds.push(both);
  }
  await sql.end();
  await replica.stop();
  fleet.remove();
  const median = (values: readonly number[]) => quantile(values, 0.5);
  return {
    revoke: median(rounds.map((round) => round.revoke)),
    insert: median(rounds.map((round) => round.insert)),
    ratio: median(rounds.map((round) => round.revoke / round.insert)),
  };
}

import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import postgres from "postgres";

import { quantile } from "../revocation/hammer.ts";
import { type InProcessReplica, newFleet, openServerStore, startReplica } from "../support/replica.ts";
import { narrow } from "../support/service-macaroons.ts";

/** What a great many live revocations cost one replica. */
export interface Memory {
  readonly entries: number;
  /** Of the set's slots, by the process's own count of array buffers, and of the whole process; bytes. */
  readonly set: number;
  readonly process: number;
  readonly loadSeconds: number;
  /** Verifications a second, with so many entries and with none; and their ratio, the median of rounds. */
  readonly full: number;
  readonly empty: number;
  readonly ratio: number;
}

const ROUNDS = 15;
const ROUND = 600;
const BATCH = 500_000;

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

async function usage(): Promise<{ readonly buffers: number; readonly process: number }> {
  for (let n = 0; n < 3; n++) {
    collect();
    await sleep(50);
  }
  const { arrayBuffers, rss } = process.memoryUsage();
  return { buffers: arrayBuffers, process: rss };
}

/** Fills the log with live entries, past everything that would take hours. */
async function fill(url: string, count: number, say: (line: string) => void): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  // Not read by a replica that loads, and most of the work of filling.
  await sql`alter table revocations drop constraint revocations_dedup_key`;
  await sql`drop index revocations_by_last_match`;
  for (let done = 0; done < count; done += BATCH) {
    await sql`
      insert into revocations (number, id, scope_kind, scope_platform, target_kind, target_revocation_id, dedup,
        author, revoked_at, last_match_at)
      select ${done}::bigint + n, gen_random_uuid(), 'platform', 'default', 'revocation_id',
        uuid_send(gen_random_uuid()), sha256(int8send(${done}::bigint + n)), 'platform:default', now(),
        now() + (n % 90) * interval '1 day'
      from generate_series(1, ${Math.min(BATCH, count - done)}) as n`;
    if (done % (4 * BATCH) === 0) say(`  filled ${done + BATCH}`);
  }
  await sql`update revocation_log set last_number = ${count}`;
  await sql`analyze revocations`;
  await sql.end();
}

async function round(replica: InProcessReplica, token: string): Promise<number> {
  const end = performance.now() + ROUND;
  const begun = performance.now();
  let verified = 0;
  while (performance.now() < end) {
    for (let n = 0; n < 50; n++) {
      if ((await replica.verify(token)) !== "allowed") throw new Error("a good token was refused");
    }
    verified += 50;
    await setImmediate(); // or no timer fires, and the replica could not poll
  }
  return (verified * 1_000) / (performance.now() - begun);
}

/** @param urls of two empty databases, of which the first is filled */
export async function measureMemory(
  urls: readonly [string, string],
  count: number,
  say: (line: string) => void,
): Promise<Memory> {
  const [fullUrl, emptyUrl] = urls;
  const store = await openServerStore(fullUrl);
  await fill(fullUrl, count, say);
  const fleets = [newFleet(), newFleet()] as const;
  const empty = await startReplica({ store: await openServerStore(emptyUrl), fleet: fleets[1] });
  const before = await usage();
  const begun = performance.now();
  const full = await startReplica({ store, fleet: fleets[0] });
  const loadSeconds = (performance.now() - begun) / 1_000;
  const after = await usage();
  if (full.composed.knowledge.size !== count)
    throw new Error(`${full.composed.knowledge.size} entries were loaded`);

  const caveats = Array.from({ length: 4 }, (_, n) => `agent = worker-${n}#${n}`);
  const bounds = Array.from({ length: 5 }, (_, n) => `time < 2090-01-0${n + 1}T00:00:00Z`);
  const grow = async (replica: InProcessReplica) =>
    narrow((await replica.issue()).token, ...caveats, ...bounds);
  const tokens = [await grow(full), await grow(empty)] as const;
  const rates: { readonly full: number; readonly empty: number }[] = [];
  for (let n = 0; n < ROUNDS + 2; n++) {
    const both = { full: await round(full, tokens[0]), empty: await round(empty, tokens[1]) };
    if (n >= 2) rates.push(both); // the first two warm up
  }
  await full.stop();
  await empty.stop();
  for (const { remove } of fleets) remove();
  const median = (values: readonly number[]) => quantile(values, 0.5);
  return {
    entries: count,
    set: after.buffers - before.buffers,
    process: after.process - before.process,
    loadSeconds,
    full: median(rates.map((rate) => rate.full)),
    empty: median(rates.map((rate) => rate.empty)),
    ratio: median(rates.map((rate) => rate.full / rate.empty)),
  };
}

import { availableParallelism, cpus } from "node:os";

import postgres from "postgres";

import { startPostgres } from "../support/postgres-server.ts";
import { type Latency, measureLatency } from "./revocation-latency.ts";
import { measureMemory } from "./revocation-memory.ts";
import { measureWrites } from "./revocation-writes.ts";

// node test/bench/revocation.ts [quick]
// The figures of revocation beside what they have to reach. Alone on the machine, it takes about ten minutes.

const quick = process.argv.includes("quick");
const count = quick ? 200 : 1_000;
const entries = quick ? 500_000 : 10_000_000;
const poll = 500;
const say = (line: string) => void process.stdout.write(`${line}\n`);
const ms = (value: number) => `${value.toFixed(1)} ms`;

const server = await startPostgres();
const admin = postgres(server.url, { max: 1, onnotice: () => {} });
let databases = 0;
async function database(): Promise<string> {
  const name = `bench_${++databases}`;
  await admin.unsafe(`create database ${name} template template0`);
  const url = new URL(server.url);
  url.pathname = `/${name}`;
  return url.href;
}

const rows: { readonly what: string; readonly got: string; readonly reach: string; readonly met: boolean }[] =
  [];
const row = (what: string, got: string, reach: string, met: boolean) => rows.push({ what, got, reach, met });

function latencyRows(how: string, { p50, p99, most, load, histogram }: Latency, bound: number): void {
  say(`revoked on one, refused on the other, ${how} (${Math.round(load)} verifications a second beside it)`);
  say(histogram);
  const got = `p50 ${ms(p50)}, p99 ${ms(p99)}, most ${ms(most)}`;
  row(`revoke -> refused elsewhere, ${how}`, got, `p99 <= ${bound} ms`, p99 <= bound);
}

try {
  say(
    `${cpus()[0]?.model ?? "?"}, ${availableParallelism()} cores, Node ${process.versions.node}, ${new Date().toISOString()}`,
  );
  const writes = await measureWrites(await database());
  const written = `${Math.round(writes.revoke)}/s of ${Math.round(writes.insert)}/s = ${writes.ratio.toFixed(2)}`;
  row("revoke, 16 callers, of single-row inserts", written, ">= 0.5", writes.ratio >= 0.5);

  latencyRows("NOTIFY on", await measureLatency(await database(), { listens: true, poll, count }), 50);
  const off = { listens: false, poll, count };
  latencyRows(`NOTIFY off, polled every ${poll} ms`, await measureLatency(await database(), off), poll + 50);

  const memory = await measureMemory([await database(), await database()], entries, say);
  const millions = `${memory.entries / 1e6} M live revocations`;
  const limit = (320e6 * memory.entries) / 10e6;
  row(
    `${millions}: memory of the set`,
    `${(memory.set / 1e6).toFixed(0)} MB (${(memory.set / memory.entries).toFixed(1)} B each; process grew ${(memory.process / 1e6).toFixed(0)} MB)`,
    `<= ${(limit / 1e6).toFixed(0)} MB`,
    memory.set <= limit,
  );
  row(`${millions}: load`, `${memory.loadSeconds.toFixed(1)} s`, "<= 60 s", memory.loadSeconds <= 60);
  row(
    `${millions}: verify, ten caveats, of an empty set's`,
    `${Math.round(memory.full)}/s of ${Math.round(memory.empty)}/s = ${memory.ratio.toFixed(3)}`,
    ">= 0.95",
    memory.ratio >= 0.95,
  );
} finally {
  await admin.end();
  await server.stop();
}

say("");
say("| what | reached | reach | |");
say("|---|---|---|---|");
for (const { what, got, reach, met } of rows)
  say(`| ${what} | ${got} | ${reach} | ${met ? "met" : "missed"} |`);

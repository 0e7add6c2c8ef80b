import { hammer, histogram, quantile } from "../revocation/hammer.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { newFleet, openServerStore, startReplica } from "../support/replica.ts";

// node test/drills/revocation-replicas.ts [rounds]
// Revokes on one replica and verifies on another: half with `min_sequence`, where one stale answer is too many, half
// without, of which the times until the refusal are published.

const rounds = Number(process.argv[2] ?? 20_000);
const say = (line: string) => void process.stdout.write(`${line}\n`);

const server = await startPostgres();
const fleet = newFleet();
const one = await startReplica({ store: await openServerStore(server.url), fleet });
const other = await startReplica({ store: await openServerStore(server.url), fleet });
const begun = performance.now();
const { stale, unavailable, latencies } = await hammer(one, other, rounds);
const asked = rounds - latencies.length;
say(`${asked} with min_sequence: ${stale} stale allows, ${unavailable} without an answer`);
say(
  `${latencies.length} without: p50 ${quantile(latencies, 0.5).toFixed(1)} ms, p99 ${quantile(latencies, 0.99).toFixed(1)} ms`,
);
say(histogram(latencies));
say(`${Math.round((performance.now() - begun) / 1_000)} s`);
await other.stop();
await one.stop();
await server.stop();
fleet.remove();
if (stale > 0 || unavailable > 0) process.exitCode = 1;

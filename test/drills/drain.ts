import { drillReplacements, drillRestarts, drillStops, type Outcome } from "../drain/drill.ts";
import { newFleet } from "../drain/fleet.ts";
import { nginxVersion } from "../drain/nginx.ts";
import { lossesOf, printTally } from "../drain/tally.ts";
import { startPostgres } from "../support/postgres-server.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { drawSeed, SEED } from "../support/seed.ts";

// node test/drills/drain.ts [restarts] [stops]
// Restarts and stops services, single processes and workers on one Postgres, while they are asked over connections
// that are kept, fresh and silent, by event streams and long polls, and through nginx where it is installed. Ends with
// 0 only where no question was lost, every process ended by itself with 0, and within five seconds. Connections on
// which nothing is ever asked again, and questions that nobody took (refused), are not lost.

const restarts = Number(process.argv[2] ?? 20);
const stops = Number(process.argv[3] ?? 6);
/** Milliseconds in which a process must end, SHUTDOWN_DELAY included. */
const BOUND = 5_000;

const say = (line: string) => void process.stdout.write(`${line}\n`);
const version = nginxVersion();
say(version ?? "nginx is not installed: nothing is asked through it");
say(`The pauses are drawn from ${SEED}=${drawSeed()}`);
const options = { nginx: version !== undefined, freshPause: 100, say };

const server = await startPostgres({ fsync: false });
const fleet = await newFleet(builtBundle(), server.url, { SHUTDOWN_DELAY: "1s" });
let lost = 0;
let late = 0;

function report(name: string, { tally, endings }: Outcome): void {
  say(`${name}:`);
  for (const line of printTally(tally)) say(`  ${line}`);
  for (const line of lossesOf(tally)) say(`    ${line}`);
  lost += tally.losses.length;
  if (endings.length === 0) return;
  const longest = Math.max(...endings.map(({ milliseconds }) => milliseconds));
  const failed = endings.filter(({ code }) => code !== 0).length;
  late += endings.filter(({ code, milliseconds }) => code !== 0 || milliseconds > BOUND).length;
  say(`  ${endings.length} ended, ${failed} of them not with 0; the longest took ${longest.toFixed(0)} ms`);
}

try {
  report(
    `${restarts} restarts of single processes`,
    await drillRestarts(fleet, { ...options, times: restarts }),
  );
  report(`${restarts} restarts of workers`, await drillReplacements(fleet, { ...options, times: restarts }));
  const half = Math.ceil(stops / 2);
  report(`${half} stops of a single process`, await drillStops(fleet, 1, { ...options, times: half }));
  report(
    `${stops - half} stops of two workers`,
    await drillStops(fleet, 2, { ...options, times: stops - half }),
  );
} finally {
  await fleet.close();
  await server.stop();
}
say(`${lost} lost, ${late} ended late or not with 0`);
if (lost > 0 || late > 0) process.exitCode = 1;

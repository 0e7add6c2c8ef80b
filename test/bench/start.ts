import { newDatabase } from "./database.ts";
import { atMost, type Effort, type Findings, median } from "./figures.ts";
import { scratch, startService } from "./service.ts";

const MEGABYTE = 1_000_000;

/** How long a start takes, and what a service that does nothing holds in memory. */
export async function start({ rounds }: Effort): Promise<Findings> {
  const databaseUrl = await newDatabase();
  const [server, embedded]: [number[], number[]] = [[], []];
  const memory: number[] = [];
  const dataDir = scratch();
  // The first start of each makes the schema, and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const one = await startService({ databaseUrl, reuse: round > 0 });
    if (round > 0) {
      server.push(one.startedIn);
      memory.push(one.memory() / MEGABYTE);
    }
    await one.stop();
    const other = await startService({ dataDir });
    if (round > 0) embedded.push(other.startedIn);
    await other.stop();
  }
  return {
    part: "start",
    series: [
      { name: "start to ready, Postgres, warm", unit: "ms", values: server },
      { name: "start to ready, embedded, warm", unit: "ms", values: embedded },
      { name: "resident memory, idle, Postgres", unit: "MB", values: memory },
    ],
    targets: [
      atMost("start to ready, Postgres, warm", median(server), 500, "ms"),
      atMost("start to ready, embedded, warm", median(embedded), 1500, "ms"),
      atMost("memory, idle", median(memory), 120, "MB"),
    ],
    notes: [],
  };
}

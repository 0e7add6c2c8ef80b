import { availableParallelism, cpus } from "node:os";

import { startPostgres } from "../support/postgres-server.ts";
import { measureIssues } from "./issue-writes.ts";

// node test/bench/issue.ts
// Issuing on Postgres beside what the same server inserts, through the same driver and as many connections.

const server = await startPostgres();
const say = (line: string) => void process.stdout.write(`${line}\n`);
try {
  say(`${cpus()[0]?.model ?? "?"}, ${availableParallelism()} cores, Node ${process.versions.node}`);
  const { service, http, twoRows } = await measureIssues(server.url);
  const line = (what: string, rate: number) => {
    const ratio = rate / twoRows;
    say(
      `| ${what} | ${Math.round(rate)}/s of ${Math.round(twoRows)}/s = ${ratio.toFixed(2)} | >= 0.7 | ${ratio >= 0.7 ? "met" : "missed"} |`,
    );
  };
  say("");
  say("| what | reached | reach | |");
  say("|---|---|---|---|");
  line("issue, 64 callers, of two-row insert transactions", service);
  line("the same over HTTP", http);
} finally {
  await server.stop();
}

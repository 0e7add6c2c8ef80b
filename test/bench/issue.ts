import { newDatabase } from "./database.ts";
import { atLeast, type Effort, type Findings, ratio } from "./figures.ts";
import { measureIssues } from "./issue-writes.ts";

/** Issuing on Postgres beside what the same server inserts, through the same driver and as many connections. */
export async function issue({ rounds, seconds }: Effort): Promise<Findings> {
  const urls = [await newDatabase(), await newDatabase()] as const;
  const found = await measureIssues(urls, { rounds, milliseconds: seconds * 1_000 });
  const unit = "writes/s";
  const series = [
    { name: "issue, in process", unit, values: found.service },
    { name: "issue, over HTTP", unit, values: found.http },
    { name: "two-row insert transactions", unit, values: found.twoRows },
  ];
  const reached = ratio(series, "issue, in process", "two-row insert transactions");
  const overHttp = ratio(series, "issue, over HTTP", "two-row insert transactions");
  return {
    part: "issue",
    series,
    targets: [
      atLeast("issue, 64 callers / two-row insert transactions", reached, 0.7),
      atLeast("issue over HTTP, 64 callers / two-row insert transactions", overHttp, 0.7),
    ],
    notes: [
      "64 callers, 10 connections each; a token, its caveats and its audit event, acknowledged when they are committed. Over HTTP, the load is made in the process that measures.",
    ],
  };
}

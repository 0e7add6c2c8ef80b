import { narrow } from "../support/service-macaroons.ts";
import { besideBefore } from "./beside-before.ts";
import { measureCharges } from "./budget-writes.ts";
import { newDatabase } from "./database.ts";
import {
  atLeast,
  atMost,
  type Contender,
  type Effort,
  type Findings,
  interleaved,
  ratio,
} from "./figures.ts";
import { load } from "./load.ts";
import { proofs } from "./proofs.ts";
import { scratch, startService } from "./service.ts";
import { bodiesFile } from "./tokens.ts";

/** The file that came with budgets. */
const CAME_WITH = "migrations/0012_budgets.sql";
/** Where a difference of a twentieth is to be told. */
const LEAST_ROUNDS = 20;

/** What counting costs, beside what the same Postgres updates; and what it costs those who count nothing. */
export async function budgets({ rounds, seconds }: Effort): Promise<Findings> {
  const { series, together } = await measureCharges(await newDatabase(), {
    rounds,
    milliseconds: seconds * 1_000,
  });
  const overHttp = await chargesOverHttp({ rounds, seconds });
  const unbudgeted = await besideBefore(CAME_WITH, Math.max(rounds, LEAST_ROUNDS), Math.min(seconds, 1));
  const proved = await proofs({ rounds, seconds });
  const of = (name: string, to: string) => ratio(series, name, to);
  const grouped = Object.entries(together).map(([name, calls]) => `${calls} for ${name}`);
  return {
    part: "budgets",
    series: [...series, ...overHttp, ...unbudgeted, ...proved.series],
    targets: [
      atLeast(
        "budgeted verify, 64 callers, one counter / 64 connections that update that row",
        of("budgeted verify, one counter", "64 connections that update one row"),
        5,
      ),
      atLeast(
        "budgeted verify, 10,000 counters / multi-row updates in batches of the same size",
        of("budgeted verify, 10,000 counters", "multi-row updates of 10,000 rows"),
        0.5,
      ),
      atLeast(
        "budgeted verify, four budgets on the chain / one",
        of("budgeted verify, four budgets", "budgeted verify, one counter"),
        0.7,
      ),
      ...["seen", "new"].map((tokens) =>
        atMost(
          `processor time of an unbudgeted verify, ${tokens} / before budgets were built`,
          ratio(unbudgeted, `processor, verify, ${tokens}`, `processor, verify, ${tokens}, before`),
          1.05,
        ),
      ),
      ...proved.targets,
    ],
    notes: [
      ...proved.notes,
      "64 callers in this process, as many connections for the rows; Postgres flushes each commit. Four budgets: uses, spend, rate, uses.",
      `Calls in one statement: ${grouped.join(", ")}. The multi-row updates are of as many rows, over one connection, as one platform's charges are.`,
      ...(unbudgeted.length === 0 ? ["Left out: the service before budgets (its history is not here)."] : []),
    ],
  };
}

/** The same charges through a service of its own, with the load on another core. */
async function chargesOverHttp({ rounds, seconds }: Pick<Effort, "rounds" | "seconds">) {
  const service = await startService({ databaseUrl: await newDatabase() });
  const root = await service.issue();
  const folder = scratch();
  const contender = (name: string, tokens: readonly string[]): Contender => {
    const bodies = bodiesFile(
      folder,
      name,
      tokens.map((token) => ({ token, context: {} })),
    );
    return {
      name,
      async run() {
        const headers = { authorization: `Bearer ${service.platformToken}` };
        const asked = {
          port: service.port,
          path: "/v1/verify",
          headers,
          bodies,
          seconds,
          expect: '{"allowed":true',
        };
        return (await load(asked)).perSecond;
      },
    };
  };
  const counter = (n: number) => narrow(root, `agent = a#${n}`, "uses <= 1000000000");
  const contenders = [
    contender("budgeted verify over HTTP, one counter", [counter(0)]),
    contender(
      "budgeted verify over HTTP, 10,000 counters",
      Array.from({ length: 10_000 }, (_, n) => counter(n)),
    ),
  ];
  for (const { run } of contenders) await run(0);
  const series = await interleaved("requests/s", rounds, contenders);
  await service.stop();
  return series;
}

import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import { narrow } from "../support/service-macaroons.ts";
import { bundleBefore } from "./before.ts";
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
import { type Service, scratch, startService } from "./service.ts";
import { bodiesFile, CONTEXT, distinct, macaroonOf, NINE } from "./tokens.ts";

/** The file that came with budgets. */
const CAME_WITH = "migrations/0012_budgets.sql";
/** More than the service remembers. */
const DISTINCT = 120_000;
/** Where a difference of a twentieth is to be told. */
const LEAST_ROUNDS = 20;

/** What counting costs, beside what the same Postgres updates; and what it costs those who count nothing. */
export async function budgets({ rounds, seconds }: Effort): Promise<Findings> {
  const { series, together } = await measureCharges(await newDatabase(), {
    rounds,
    milliseconds: seconds * 1_000,
  });
  const overHttp = await chargesOverHttp({ rounds, seconds });
  const unbudgeted = await besideBefore(Math.max(rounds, LEAST_ROUNDS), Math.min(seconds, 1));
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

/** Processor time of verifies that count nothing: of this service, and of the one before there were budgets. */
async function besideBefore(rounds: number, seconds: number) {
  const script = bundleBefore(CAME_WITH);
  if (script === undefined) return [];
  const now = await startService({ databaseUrl: await newDatabase() });
  const before = await startService({ databaseUrl: await newDatabase(), script });
  const processor = async (service: Service, what: string): Promise<readonly Contender[]> => {
    const folder = scratch();
    const root = macaroonOf(await service.issue());
    const request = (token: string) => ({ token, context: CONTEXT });
    const seen = bodiesFile(folder, "seen", [request(encodeBundle([attenuate(root, NINE)]))]);
    const fresh = bodiesFile(folder, "new", distinct(root, DISTINCT).map(request));
    return [
      [`processor, verify, seen${what}`, seen],
      [`processor, verify, new${what}`, fresh],
    ].map(([name = "", bodies = ""]) => ({
      name,
      async run() {
        const headers = { authorization: `Bearer ${service.platformToken}` };
        const used = service.cpu();
        const asked = {
          port: service.port,
          path: "/v1/verify",
          headers,
          bodies,
          seconds,
          expect: '{"allowed":true',
        };
        const { answered } = await load(asked);
        return (service.cpu() - used) / answered;
      },
    }));
  };
  const [seen, fresh] = await processor(now, "");
  const [seenBefore, freshBefore] = await processor(before, ", before");
  const contenders = [seen, seenBefore, fresh, freshBefore].filter((one) => one !== undefined);
  for (const { run } of contenders) await run(0);
  const series = await interleaved("µs/request", rounds, contenders);
  await now.stop();
  await before.stop();
  return series;
}

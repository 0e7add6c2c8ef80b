import { attenuate, encodeBundle } from "../../src/macaroon/index.ts";
import type { Chart } from "./chart.ts";
import { type Cost, costsOf, type Fresh, narrowed, newBench, type Shown } from "./curve-replica.ts";
import { fitLine, formula } from "./fit.ts";
import { macaroonOf, NINE } from "./tokens.ts";

const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200];
const LINKS = [1, 2, 4, 8, 16, 32, 64];

type Costs = readonly (readonly [x: number, cost: Cost])[];

/** A chart of what verifying costs, for tokens that are new and for one that was seen. */
export function verifyChart(
  title: string,
  x: string,
  costs: Costs,
  options: { readonly formula: string; readonly logarithmic: boolean },
): Chart {
  return {
    title,
    x,
    y: "µs a verify",
    ...options,
    lines: [
      { name: "every token new", points: costs.map(([at, cost]) => [at, cost.fresh]) },
      { name: "seen before", points: costs.map(([at, cost]) => [at, cost.seen]) },
    ],
  };
}

async function measure(
  sizes: readonly number[],
  caveatsOf: (size: number) => readonly string[],
): Promise<Costs> {
  const bench = await newBench();
  const root: Shown = { token: (await bench.replica.issue()).token, platform: "default" };
  const kinds = sizes.map(caveatsOf).map(
    (written): Fresh =>
      (count) =>
        narrowed([root], count, written),
  );
  const costs = await costsOf(bench.replica, kinds);
  await bench.stop();
  return costs.map((cost, index) => [sizes[index] ?? 0, cost]);
}

const freshLine = (costs: Costs) => fitLine(costs.map(([at, { fresh }]) => [at, fresh]));

/** Cost against the number of caveats: those of the other figures, over and over. The issuer's own counts. */
export async function caveats(): Promise<Readonly<Record<string, Chart>>> {
  const others = NINE.slice(0, -1);
  const costs = await measure(COUNTS, (count) =>
    Array.from({ length: count - 1 }, (_, index) => others[index % others.length] ?? ""),
  );
  const line = formula(freshLine(costs), "caveats");
  const chart = verifyChart("Caveats of a token", "caveats", costs, {
    formula: `new: ${line} µs`,
    logarithmic: false,
  });
  return { caveats: chart };
}

/** Cost against the number of hands that a token went through: each names itself and narrows one bound. */
export async function links(): Promise<Readonly<Record<string, Chart>>> {
  const costs = await measure(LINKS, (count) =>
    Array.from({ length: count }, (_, index) => [
      `agent = worker-${index}#${index}`,
      `args.amount <= ${1000 - index}`,
    ]).flat(),
  );
  const line = formula(freshLine(costs), "links");
  const chart = verifyChart("Delegations of a token", "links of two caveats", costs, {
    formula: `new: ${line} µs`,
    logarithmic: false,
  });
  return { links: chart };
}

const SHARED = [0, 2, 4, 6, 8, 10, 12, 14, 16, 18];
/** Caveats of each of these tokens besides those of the issuer. */
const WHOLE = 20;

/** Cost against the depth of the link that new tokens share: of twenty caveats so many are the link's, the others their own. */
export async function sharedPrefix(): Promise<Readonly<Record<string, Chart>>> {
  const bench = await newBench();
  const root = macaroonOf((await bench.replica.issue()).token);
  const others = NINE.slice(0, -1);
  const caveat = (index: number) => others[index % others.length] ?? "";
  let next = 0;
  const kinds = SHARED.map((depth): Fresh => {
    const parent = attenuate(
      root,
      Array.from({ length: depth }, (_, index) => caveat(index)),
    );
    const rest = Array.from({ length: WHOLE - depth - 1 }, (_, index) => caveat(depth + index));
    return (count) =>
      Array.from({ length: count }, () => {
        const agent = `agent = bench#${(next++).toString(36).padStart(10, "0")}`;
        return { token: encodeBundle([attenuate(parent, [agent, ...rest])]), platform: "default" };
      });
  });
  const whole = await costsOf(bench.replica, kinds);
  const short = await costsOf(bench.replica, kinds, true);
  await bench.stop();
  const line = (costs: readonly Cost[]) =>
    costs.map(({ fresh }, index) => [SHARED[index] ?? 0, fresh] as const);
  const lines = [
    { name: "whole answer", points: line(whole) },
    { name: "decision alone", points: line(short) },
  ];
  const chart: Chart = {
    title: "Shared links of a new token",
    x: "caveats of the link that is known, of 20",
    y: "µs a verify",
    lines,
    formula: `decision: ${formula(fitLine(line(short)), "shared caveats")} µs`,
    logarithmic: false,
  };
  return { shared: chart };
}

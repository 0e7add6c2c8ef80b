import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Chart, drawChart } from "./chart.ts";
import { caveats, links, sharedPrefix } from "./curve-chains.ts";
import { databaseReads } from "./curve-replicas.ts";
import { issued, platforms, principals, revocations } from "./curve-stores.ts";
import type { Effort, Findings } from "./figures.ts";
import { thisMachine } from "./machine.ts";

const FOLDER = join(import.meta.dirname, "curves");

/** Each makes its charts, by the name of the file. */
const CURVES: readonly (() => Promise<Readonly<Record<string, Chart>>>)[] = [
  caveats,
  links,
  sharedPrefix,
  issued,
  revocations,
  principals,
  platforms,
  databaseReads,
];

/** Measures what each cost depends on, and writes it to `curves/`: a picture for each, and one file with the figures. */
export async function curves(_effort: Effort): Promise<Findings> {
  mkdirSync(FOLDER, { recursive: true });
  const machine = thisMachine();
  const charts: Record<string, Chart> = {};
  for (const measure of CURVES) {
    for (const [name, chart] of Object.entries(await measure())) {
      charts[name] = chart;
      writeFileSync(join(FOLDER, `${name}.svg`), drawChart(chart));
      process.stderr.write(`${chart.title}: ${chart.formula}\n`);
    }
  }
  const command = "npm run bench -- curves";
  const all = JSON.stringify({ machine, command, charts }, rounded, 2);
  writeFileSync(join(FOLDER, "curves.json"), `${all}\n`);
  const lines = Object.values(charts).flatMap(({ title, y, lines: all }) =>
    all.map(({ name, points }) => ({
      name: `${title}, ${name}`,
      unit: y,
      values: points.map(([, value]) => value),
    })),
  );
  return { part: "curves", series: lines, targets: [], notes: [`Written to ${FOLDER}.`] };
}

/** Four digits are more than any of these are good for. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(4)) : value;
}

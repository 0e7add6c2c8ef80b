/** The dashboard: of the shape that Grafana publishes, and of expressions that Prometheus reads. */

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import { stringify } from "yaml";
import { z } from "zod";

import { findProgram } from "../support/find-program.ts";
import { scratchFolder } from "../support/scratch.ts";
import { deployed, runProgram } from "./files.ts";
import { unknownMetrics, unusedMetrics } from "./metric-names.ts";
import { typeProblems } from "./typed.ts";

const source = z.strictObject({ type: z.literal("prometheus"), uid: z.literal(`\${datasource}`) });
const panel = z.object({
  id: z.number(),
  title: z.string().min(1),
  type: z.enum(["row", "stat", "timeseries", "heatmap"]),
  gridPos: z.strictObject({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  datasource: source.optional(),
  targets: z.array(z.object({ datasource: source, expr: z.string(), refId: z.string() })).optional(),
});
const dashboard = z.object({
  templating: z.object({ list: z.array(z.object({ name: z.string(), type: z.string() })) }),
  panels: z.array(panel),
});

const TEXT = deployed("grafana/bakehouse.json");
const { panels, templating } = dashboard.parse(JSON.parse(TEXT));
const EXPRESSIONS = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

test("it is a dashboard as Grafana's own types have it", () => {
  // Grafana's types name some texts by enums, which no JSON can hold.
  const plain = `type Plain<T> = T extends string ? \`\${T}\` : T extends (infer U)[] ? Plain<U>[]
    : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;`;
  const problems = (json: string) =>
    typeProblems(
      `import type { Dashboard } from "@grafana/schema";\n${plain}\nexport const made: Plain<Dashboard> = ${json};\n`,
    );
  expect(problems(TEXT)).toBe("");
  expect(problems(TEXT.replace('"graphTooltip"', '"graphToolTip"'))).toContain("graphToolTip");
});

test("it names no data source of anybody's: a variable does, and variables are the replicas, too", () => {
  expect(templating.list.map(({ name, type }) => `${name}: ${type}`)).toEqual([
    "datasource: datasource",
    "job: query",
    "instance: query",
  ]);
  const graphs = panels.filter(({ type }) => type !== "row");
  expect(graphs.length).toBeGreaterThan(20);
  for (const { title, datasource, targets = [] } of graphs) {
    expect(datasource, title).toBeDefined();
    expect(targets, title).not.toEqual([]);
    for (const { expr } of targets) expect(expr, title).toContain('job=~"$job",instance=~"$instance"');
  }
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
});

test("no two panels lie over each other, and none beside the page", () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, n) => `${x + (n % w)} ${y + Math.floor(n / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
});

test("it asks for metrics that there are, and shows each of the service's", () => {
  expect(unknownMetrics(EXPRESSIONS)).toEqual([]);
  // Their ratio is shown by what is open alone.
  expect(unusedMetrics(EXPRESSIONS)).toEqual(["process_start_time_seconds", "process_max_fds"]);
});

const promtool = findProgram("promtool");
if (promtool !== undefined)
  test("promtool reads each of its expressions", () => {
    const rules = EXPRESSIONS.map((expr, number) => ({
      record: `panel:n${number}`,
      expr: expr.replaceAll("$__rate_interval", "5m"),
    }));
    const folder = scratchFolder("panels");
    const file = join(folder, "panels.yaml");
    writeFileSync(file, stringify({ groups: [{ name: "panels", rules }] }));
    const { ok, output } = runProgram(promtool, ["check", "rules", file]);
    rmSync(folder, { recursive: true });
    expect({ ok, output }).toMatchObject({
      ok: true,
      output: expect.stringContaining(`${rules.length} rules`),
    });
  });

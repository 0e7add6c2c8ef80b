/** Recording rules, alerts and the runbook: checked by promtool, where it is installed, and held to each other. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";

import { findProgram } from "../support/find-program.ts";
import { DEPLOY, deployed, runProgram } from "./files.ts";
import { unknownMetrics } from "./metric-names.ts";

const rule = z.strictObject({ record: z.string(), expr: z.string() });
const alert = z.strictObject({
  alert: z.string(),
  expr: z.string(),
  for: z.string().optional(),
  labels: z.strictObject({ severity: z.enum(["critical", "warning"]) }),
  annotations: z.strictObject({ summary: z.string(), description: z.string(), runbook: z.string() }),
});
const groups = <T extends z.ZodType>(rules: T) =>
  z.strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(rules) })) });

const RULES = groups(rule)
  .parse(parse(deployed("prometheus/bakehouse.rules.yaml")))
  .groups.flatMap(({ rules }) => rules);
const ALERTS = groups(alert)
  .parse(parse(deployed("prometheus/bakehouse.alerts.yaml")))
  .groups.flatMap(({ rules }) => rules);
const NAMES = ALERTS.map((one) => one.alert);

const TESTS = join(import.meta.dirname, "bakehouse.alerts.test.yaml");
const testFile = z.object({
  tests: z.array(
    z.object({
      name: z.string(),
      alert_rule_test: z.array(z.object({ alertname: z.string(), exp_alerts: z.array(z.unknown()) })),
    }),
  ),
});

test("rules and alerts ask for metrics that there are", () => {
  const expressions = [...RULES, ...ALERTS].map(({ expr }) => expr);
  expect(unknownMetrics(expressions)).toEqual([]);
  const recorded = expressions.flatMap((text) => text.match(/\w+:\w+:\w+/g) ?? []);
  expect(recorded.length).toBeGreaterThan(5);
  expect(recorded.filter((name) => !RULES.some(({ record }) => record === name))).toEqual([]);
});

test("each alert leads to its heading in the runbook, which says what to do, and no heading is left over", () => {
  const headings = [...deployed("RUNBOOK.md").matchAll(/^### (\w+)\n\n((?:.+\n)+)/gm)];
  expect(headings.map(([, name]) => name).toSorted()).toEqual(NAMES.toSorted());
  for (const [, name = "", text = ""] of headings)
    for (const part of ["Means", "Hurts", "Look", "Do"])
      expect(text, `${name}: ${part}`).toContain(`- **${part}.** `);
  for (const { alert: name, annotations } of ALERTS)
    expect(annotations.runbook).toBe(`RUNBOOK.md#${name.toLowerCase()}`);
});

test("each alert is seen to fire, not to fire before, and to be silent while all is well", () => {
  const { tests } = testFile.parse(parse(readFileSync(TESTS, "utf8")));
  const [well, ...each] = tests;
  expect(well?.alert_rule_test).toMatchObject(NAMES.map((alertname) => ({ alertname, exp_alerts: [] })));
  expect(each.map(({ name }) => name)).toEqual(NAMES);
  for (const { name, alert_rule_test } of each) {
    expect(alert_rule_test.map(({ alertname }) => alertname)).toEqual([name, name]);
    expect(alert_rule_test.map(({ exp_alerts }) => exp_alerts.length)).toEqual([0, 1]);
  }
});

// Where it is missing the run says so (support/at-hand.ts).
const promtool = findProgram("promtool");
if (promtool !== undefined) {
  test("promtool takes rules and alerts", () => {
    const files = ["bakehouse.rules.yaml", "bakehouse.alerts.yaml"].map((name) =>
      join(DEPLOY, "prometheus", name),
    );
    const { ok, output } = runProgram(promtool, ["check", "rules", ...files]);
    expect({ ok, output }).toMatchObject({ ok: true, output: expect.stringContaining("SUCCESS") });
  });

  test("promtool sees each alert fire and stay silent", () => {
    const { ok, output } = runProgram(promtool, ["test", "rules", TESTS]);
    expect({ ok, output }).toMatchObject({ ok: true, output: expect.stringContaining("SUCCESS") });
  });
}

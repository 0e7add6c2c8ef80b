import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, test } from "vitest";

import { type Chart, drawChart } from "./chart.ts";
import { readEarlier } from "./earlier.ts";
import { atLeast, atMost, interleaved, median, ratio, type Series } from "./figures.ts";
import { fitLine } from "./fit.ts";
import { million } from "./million.ts";
import { targetsOverview } from "./readme.ts";
import { asJson, targetsTable } from "./report.ts";

const MACHINE = {
  cpu: "A",
  cores: 2,
  platform: "linux",
  node: "26.0.0",
  openssl: "3",
  v8: "14",
  commit: "abc",
  date: "2026-11-22",
  loadBefore: 0,
};

test.each([
  { values: [3, 1, 2], middle: 2 },
  { values: [4, 1, 2, 3], middle: 2.5 },
  { values: [], middle: Number.NaN },
])("the median of $values is $middle", ({ values, middle }) => {
  expect(median(values)).toBe(middle);
});

test("a ratio is taken in each round, so that a slow round does not count against one side", () => {
  const series: readonly Series[] = [
    { name: "a", unit: "", values: [10, 1, 20] },
    { name: "b", unit: "", values: [5, 0.5, 10] },
  ];
  expect(ratio(series, "a", "b")).toBe(2);
  expect(ratio(series, "a", "left out")).toBeNaN();
});

test("contenders take turns, every other round backwards", async () => {
  const order: string[] = [];
  const of = (name: string) => ({ name, run: (round: number) => order.push(name) + round });
  const [a] = await interleaved("x", 3, [of("a"), of("b")]);
  expect(order.join("")).toBe("abbaab");
  expect(a?.values).toHaveLength(3);
});

test.each([
  { target: atLeast("t", 2, 2), verdict: "met" },
  { target: atLeast("t", 1.99, 2), verdict: "missed" },
  { target: atMost("t", 2, 2), verdict: "met" },
  { target: atMost("t", 2.01, 2), verdict: "missed" },
  { target: atLeast("t", Number.NaN, 2), verdict: "not measured" },
])("$target.sense 2, reached $target.reached: $verdict", ({ target, verdict }) => {
  expect(targetsTable([target]).split("\n").at(-1)).toMatch(new RegExp(`\\| ${verdict} +\\|$`));
});

test("a line is found through points that lie on one", () => {
  const { base, each } = fitLine([1, 10, 100].map((x) => [x, 3 + 2 * x]));
  expect(base).toBeCloseTo(3);
  expect(each).toBeCloseTo(2);
});

describe("a chart", () => {
  const chart: Chart = {
    title: `a & b < "c"`,
    formula: "2 × x",
    x: "x",
    y: "y",
    logarithmic: true,
    lines: [
      {
        name: "one",
        points: [
          [1, 2],
          [10, 20],
        ],
      },
      {
        name: "two",
        points: [
          [1, 0],
          [10, 1],
        ],
      },
    ],
  };

  test("is the same bytes for the same figures, and holds no number that is none", () => {
    expect(drawChart(chart)).toBe(drawChart(structuredClone(chart)));
    expect(drawChart(chart)).not.toMatch(/NaN|Infinity|undefined/);
  });

  test("names nothing that an image could load, and is read on light and on dark pages", () => {
    const drawn = drawChart(chart);
    expect(drawn).toContain("prefers-color-scheme: dark");
    expect(drawn).toContain("a &amp; b &lt; &quot;c&quot;");
    expect(drawn.replaceAll("http://www.w3.org/2000/svg", "")).not.toMatch(/https?:|href|script|@import/);
  });
});

describe("the table of targets", () => {
  const found = (...targets: readonly ReturnType<typeof atLeast>[]) => [
    { part: "http", series: [], targets, notes: [] },
  ];

  test("says what was measured, at which commit, by which command, and what was not", () => {
    const table = targetsOverview(
      MACHINE,
      "npm run bench",
      found(atLeast("verify, seen / empty hono route", 0.9, 0.85)),
    );
    expect(table).toContain("`npm run bench` at commit abc");
    expect(table).toMatch(/\| ≥ 0\.85; – +\| 0\.90; – +\| met; – +\|/);
  });

  test("has a row for every target: one that is measured and not shown is an error", () => {
    expect(() => targetsOverview(MACHINE, "x", found(atLeast("verify, on the moon", 1, 1)))).toThrow(
      "on the moon",
    );
  });
});

describe("figures that were measured earlier", () => {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-bench-test-"));
  const file = join(folder, "figures.json");
  afterAll(() => rmSync(folder, { recursive: true }));

  test("are read as they were written, those that are no number too", () => {
    const series: readonly Series[] = [{ name: "a", unit: "ms", values: [1, 2] }];
    const targets = [atLeast("t", Number.NaN, 2), atMost("u", 1, 2)];
    const found = [{ part: "http", series, targets, notes: ["a note"] }];
    writeFileSync(file, asJson(MACHINE, found));
    expect(readEarlier(file, "abc")).toEqual(found);
  });

  test("are refused where they are another commit's", () => {
    expect(() => readEarlier(file, "abd")).toThrow("was measured at commit abc, this is abd");
  });
});

test("a million verifies a second is worked out from what was measured, or not at all", () => {
  const series = (name: string, value: number): Series => ({ name, unit: "", values: [value] });
  const all = [
    series("verify, seen", 10_000),
    series("verify, new", 5_000),
    series("batch of 100, seen", 100_000),
  ];
  expect(million(all)).toContain(
    "1,000,000 / (10,000 × 0.6) = 167 cores, 334 if no token came twice: 11 machines",
  );
  expect(million(all)).toContain("1,000,000 / (100,000 × 0.6) = 17 cores");
  expect(million(all.slice(1))).toMatch(/^Not computed/);
});

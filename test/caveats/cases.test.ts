import { describe, expect, test } from "vitest";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { type CaveatCase, contextOf, costOf, loadCases } from "./cases.ts";
import { clearTexts } from "./texts.ts";

const cases = loadCases();

function clearCase(row: CaveatCase, chain: Parameters<typeof clearTexts>[0]) {
  const now = parseInstant(row.now);
  if (now === undefined) throw new Error(`"${row.name}" has no time`);
  const ancestors = row.ancestors === undefined ? {} : { ancestors: new Set(row.ancestors) };
  const facts = { now, context: contextOf(row), cost: costOf(row), macaroon: row.macaroon, ...ancestors };
  return clearTexts(chain, facts);
}

describe("the table of cases", () => {
  test("has at least 150 rows, names each once and covers every code and a passing outcome", () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
    expect(new Set(cases.map(({ code }) => code)).size).toBe(5);
  });

  test.each(cases)("$name", (row) => {
    const { failures } = clearCase(row, row.caveats);
    expect(failures.map(({ code }) => code)).toEqual(row.code === null ? [] : [row.code]);
    if (row.detail !== undefined) expect(failures[0]?.detail).toBe(row.detail);
  });

  test("gives the same for texts, for bytes and for compiled caveats, however often", () => {
    for (const row of cases) {
      const outcome = clearCase(row, row.caveats).failures;
      const bytes = row.caveats.map((caveat) => new TextEncoder().encode(caveat));
      const compiled = row.caveats.map(compileCaveat);
      expect(clearCase(row, bytes).failures, row.name).toEqual(outcome);
      expect(clearCase(row, compiled).failures, row.name).toEqual(outcome);
      expect(clearCase(row, compiled).failures, row.name).toEqual(outcome);
    }
  });
});

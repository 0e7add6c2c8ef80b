import { describe, expect, test } from "vitest";
import type { Facts } from "../../src/caveats/clear.ts";
import { clear } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { newWork } from "../../src/caveats/values/work.ts";
import { JsonNumber, type JsonValue } from "../../src/json/value.ts";
import { processorTime } from "../support/processor-time.ts";
import { clearTexts } from "./texts.ts";

const MANY = 50_000;

function facts(list: readonly JsonValue[]): Facts {
  return {
    now: { kind: "instant", seconds: 0, fraction: "" },
    context: new Map([["x", list]]),
    macaroon: "root",
  };
}

function each(value: (index: number) => JsonValue): readonly JsonValue[] {
  return Array.from({ length: MANY }, (_, index) => value(index));
}

const LISTS: readonly (readonly [name: string, list: readonly JsonValue[]])[] = [
  ["numbers", each((index) => new JsonNumber(String(index)))],
  ["exponents", each((index) => new JsonNumber(`${(index % 9) + 1}e30`))],
  ["truths", each(() => true)],
  ["addresses", each((index) => `::${index.toString(16)}`)],
  ["words", each((index) => `x${index}`)],
];

describe("a long list costs what it takes to read each element", () => {
  // Counted by their lengths alone, the addresses kept a process busy for two seconds under one chain.
  test.each(LISTS)("%s under !=", (_name, list) => {
    const chain = Array.from({ length: 250 }, (_, index) => `x != q${index}`);
    let failures: ReturnType<typeof clearTexts>["failures"] = [];
    const spent = processorTime(() => {
      failures = clearTexts(chain, facts(list)).failures;
    });
    expect(spent).toBeLessThan(2_000);
    expect(failures).toHaveLength(250);
    expect(failures[0]?.detail).toMatch(/^x is too much to check/);
  });
});

test("chains that share an allowance share its end", () => {
  const list = Array.from({ length: 5_000 }, (_, index) => `x${index}`);
  const chain = ["x != a", "x != b"];
  expect(clearTexts(chain, facts(list)).failures).toEqual([]);
  const work = newWork();
  expect(clearTexts(chain, facts(list), work).failures).toEqual([]);
  expect(clearTexts(chain, facts(list), work).failures.map(({ code }) => code)).toEqual([
    "caveat_failed",
    "caveat_failed",
  ]);
});

test("chains of one bundle have 32 budgets together, and each one beyond is refused", () => {
  const counted = { ...facts([]), cost: new Map() };
  const work = newWork();
  const chain = (count: number) => [...Array(count).fill("uses <= 9"), "rate <= 9/m"];
  expect(clearTexts(chain(24), counted, work).failures).toEqual([]);
  expect(clearTexts(chain(6), counted, work).failures).toEqual([]);
  expect(clearTexts(chain(1), counted, work).failures).toMatchObject([
    { index: 0, caveat: "uses <= 9", code: "caveat_failed" },
    {
      index: 1,
      caveat: "rate <= 9/m",
      code: "caveat_failed",
      detail: "rate is a budget too many, a token and its discharges have at most 32",
    },
  ]);
});

test("clearing ends with as many failures as are wanted", () => {
  const chain = ["x = 1", "y = 1", "z = 1", "w = 1"].map((text) => compileCaveat(text));
  const work = newWork();
  expect(clear(chain, facts(["2"]), work, 1).failures.map(({ index }) => index)).toEqual([0]);
  expect(clear(chain, facts(["1"]), work, 2).failures.map(({ index }) => index)).toEqual([1, 2]);
});

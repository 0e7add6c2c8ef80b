/** The costs that can be charged, and the rules that others break. */
import { expect, test } from "vitest";

import { costFault, readAmount } from "../../src/caveats/cost.ts";
import { formatDecimal } from "../../src/caveats/values/decimal.ts";
import { JsonNumber, type JsonValue } from "../../src/json/value.ts";

const number = (text: string): JsonNumber => new JsonNumber(text);

test.each<[JsonValue, string]>([
  [number("0"), "0"],
  [number("1.50"), "1.5"],
  [number("1e3"), "1000"],
  ["40", "40"],
  ["0.1", "0.1"],
  [number("9".repeat(40)), "9".repeat(40)],
])("%s is an amount", (amount, decimal) => {
  const read = readAmount(amount);
  expect(typeof read === "object" && formatDecimal(read)).toBe(decimal);
  expect(costFault(new Map([["EUR", amount]]))).toBeUndefined();
});

test.each<JsonValue>([
  number("-1"),
  number("-0"),
  "-1",
  "",
  "ten",
  "01",
  " 1",
  true,
  null,
  ["1"],
  new Map([["amount", "1"]]),
])("%s is none", (amount) => {
  expect(costFault(new Map([["EUR", amount]]))).toEqual({
    rule: "must be a number of at least 0, or a text that holds one",
    unit: "EUR",
  });
});

test.each<JsonValue>([number("1".repeat(41)), "1".repeat(41), number("1e40")])("%s is too long", (amount) => {
  expect(costFault(new Map([["EUR", amount]]))).toEqual({
    rule: "must have at most 40 digits",
    unit: "EUR",
  });
});

test.each(["", "2nd", "a b", "-a", "é", "a".repeat(65)])("%j is no unit", (unit) => {
  const cost = new Map([
    ["EUR", "1"],
    [unit, "1"],
    ["tokens", "-1"],
  ]);
  expect(costFault(cost)).toEqual({
    rule: "must be named by a letter or _, then up to 63 letters, digits, _ or -",
    unit,
  });
});

test("a cost has at most 100 units", () => {
  const units = (count: number) => new Map(Array.from({ length: count }, (_, index) => [`u${index}`, "1"]));
  expect(costFault(units(0))).toBeUndefined();
  expect(costFault(units(100))).toBeUndefined();
  expect(costFault(units(101))).toEqual({ rule: "must have at most 100 units", unit: undefined });
});

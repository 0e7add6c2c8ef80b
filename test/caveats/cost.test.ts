/**
 * What clearing takes from the allowance. The numbers are what bounds the time of a chain over a large context, so a
 * step that is no longer counted, or counted as less, shows here.
 */
import { describe, expect, test } from "vitest";
import type { AttributeCaveat } from "../../src/caveats/caveat.ts";
import { forbids } from "../../src/caveats/forbids.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { prepare } from "../../src/caveats/prepared.ts";
import type { Mismatch } from "../../src/caveats/refusal.ts";
import { newWork } from "../../src/caveats/values/work.ts";
import { JsonNumber, type JsonValue } from "../../src/json/value.ts";

function attributeCaveat(text: string): AttributeCaveat {
  const caveat = parseCaveat(text);
  if (caveat === undefined || !("attribute" in caveat))
    throw new Error(`${text} is no caveat on an attribute`);
  return caveat;
}

/** Clears a caveat on `x` with an allowance. @returns what was spent, and why the value did not pass */
function clearing(caveat: string, value: JsonValue, allowance: number) {
  const work = newWork(allowance);
  const refusal = forbids(attributeCaveat(caveat), new Map([["x", value]]), work);
  const mismatch: Mismatch | "passes" | undefined =
    refusal === undefined ? "passes" : refusal.seen === "value" ? refusal.mismatch : undefined;
  return { spent: allowance - work.left, mismatch };
}

const number = (text: string): JsonNumber => new JsonNumber(text);

// Every value costs its length and one. What comes on top stands beside the number.
const COSTS: readonly (readonly [caveat: string, value: JsonValue, spent: number, Mismatch | "passes"])[] = [
  ["x = abc", "abc", 4, "passes"],
  ["x = abc", true, 1, "value"],
  ["x = abc", number("1234"), 5 + 25, "value"],
  ["x = abc", number("1234567890"), 11 + 25 + 4 * 2, "value"],
  ["x = abc", number("1e30"), 5 + 25 + 60, "value"],
  ["x in a, b, ab", "ab", 3 + 3, "passes"],
  // Reading a value in every way that could be what is denied, and what is denied too, unless that is kept with the caveat.
  ["x != abc", "ab", 3 + 150 + 3 + 150, "passes"],
  ["x not in a, b", "ab", 2 * (1 + 150) + 3 + 2 + 150, "passes"],
  // Normalising, 15 a character.
  ["x != abc", "é!", 3 + 150 + 3 + 15 * 2 + 150, "passes"],
  ["x != é", "ab", 1 + 15 + 150 + 3 + 150, "passes"],
  // What could be an address, in whatever spelling.
  ["x != abc", "1.2", 3 + 150 + 4 + 150 + 450, "passes"],
  ["x != ::", "ab", 2 + 150 + 450 + 3 + 150, "passes"],
  ["x != abc", "[::1]", 3 + 150 + 6 + 150 + 1_500, "passes"],
  ["x != abc", "2026-01-01", 3 + 150 + 11 + 150 + 1_500, "passes"],
  // Marks in a row are sorted.
  ["x != abc", "a\u0301\u0323\u0345", 3 + 150 + 5 + 150 + 4 * 100, "passes"],
  // Two are not yet in a row that matters.
  ["x != abc", "a\u0301\u0323", 3 + 150 + 4 + 150 + 3 * 15, "passes"],
  // Every sign of a spelling that is not the language's own, and a place in which it is none.
  ["x != abc", "0x1.2", 3 + 150 + 6 + 150 + 1_500, "passes"],
  ["x != abc", "0X1.2", 3 + 150 + 6 + 150 + 1_500, "passes"],
  ["x != abc", "::1%a", 3 + 150 + 6 + 150 + 1_500, "passes"],
  ["x != abc", "::1.2", 3 + 150 + 6 + 150 + 1_500, "passes"],
  ["x != abc", ":.", 3 + 150 + 3 + 150 + 1_500, "passes"],
  ["x != abc", " 1.2", 3 + 150 + 5 + 150 + 450, "passes"],
  ["x != abc", "x%[", 3 + 150 + 4 + 150, "passes"],
  ["x != abc", " 2026-01", 3 + 150 + 9 + 150 + 1_500, "passes"],
  ["x != abc", "a2026-01", 3 + 150 + 9 + 150, "passes"],
  ["x != abc", "202-0101", 3 + 150 + 9 + 150, "passes"],
  ["x = abc", number("1E30"), 5 + 25 + 60, "value"],
  // A single character costs each that is looked at for it.
  ["x matches *b*", "abc", 4 + 25 + 3 + 32 + 3 + 6 * 2, "passes"],
  ["x matches *d*", "abc", 4 + 25 + 3 + 32 + 3 + 6 * 4, "value"],
  ["x matches *bd*", "abc", 4 + 25 + 4 + 32 + 3 + 6 * (3 + 2 + 4), "value"],
  // A piece that does not fit is not looked for.
  ["x matches a*bcd*", "abc", 4 + 25 + 6 + 32 + 3, "value"],
  ["x matches a*c*", "abc", 4 + 25 + 4 + 32 + 3 + 6 * 2, "passes"],
  ["x matches a*bc*", "abbc", 5 + 25 + 5 + 32 + 4 + 6 * (3 + 2 + 4), "passes"],
  ["x matches *abcd*", "abc", 4 + 25 + 6 + 32 + 3, "value"],
  ["x in a, b", "c".repeat(64), 65 + 2 * 3, "value"],
  ["x <= 5", number("12"), 3 + 25, "value"],
  ["x <= 5", "4.00000000", 11 + 25 + 4 * 2, "passes"],
  ["x <= 5", number("4"), 2 + 25, "passes"],
  ["x < 2026-01-01T00:00:00Z", "2025", 5 + 25, "not_instant"],
  ["x within 10.0.0.0/8, 11.0.0.0/8", "10.1.1.1", 9 + 25 + 2 * 4, "passes"],
  ["x within ::/0", "1::2", 5 + 25 + 60 + 4, "passes"],
  // Globs: the pattern's length, then 32 and its length for each segment, and 6 for each step of a search.
  ["x matches abc", number("5"), 2 + 25, "kind"],
  ["x matches a/../b", "a/../b", 7 + 25, "dot_segment"],
  ["x matches abc", "abd", 4 + 25 + 3, "value"],
  ["x matches a/**", "a/b/c", 6 + 25 + 4, "passes"],
  ["x matches a*c", "abbc", 5 + 25 + 3 + 32 + 4, "passes"],
  ["x matches a/*/c", "a/bb/c", 7 + 25 + 5 + 3 * 32 + 4, "passes"],
  ["x matches a*bc*d", "axbcxd", 7 + 25 + 6 + 32 + 6 + 6 * (3 + 2 + 4), "passes"],
  ["x matches a**bc**d", "axxbcxxd", 9 + 25 + 8 + 6 * (4 + 2 + 4), "passes"],
  // Looking for the start of the last two segments passes four characters.
  ["x matches **/b*", "a/b/c/bd", 9 + 25 + 5 + 4 + 2 * 32 + 1 + 2, "passes"],
];

describe("clearing costs what is looked at", () => {
  test.each(COSTS)("%s with %s: %i", (caveat, value, spent, mismatch) => {
    expect(clearing(caveat, value, 10_000)).toEqual({ spent, mismatch });
  });

  test.each(COSTS)("%s with %s passes with no less than %i", (caveat, value, spent, mismatch) => {
    expect(clearing(caveat, value, spent).mismatch).toBe(mismatch);
    const less = Array.from({ length: spent }, (_, allowance) => allowance);
    expect(less.filter((allowance) => clearing(caveat, value, allowance).mismatch !== "work")).toEqual([]);
  });

  test("a list costs what its elements cost, up to the first that does not pass", () => {
    expect(clearing("x in a, bcd", ["a", "bcd"], 100)).toEqual({ spent: 4 + 6, mismatch: "passes" });
    expect(clearing("x = a", ["a", "b", "a"], 100)).toEqual({ spent: 4, mismatch: "value" });
  });

  test("what is kept with a caveat is not read, and not counted, once more", () => {
    const caveat = attributeCaveat("x != abc");
    const work = newWork(10_000);
    expect(forbids(caveat, new Map([["x", "ab"]]), work, prepare(caveat))).toBeUndefined();
    expect(10_000 - work.left).toBe(3 + 150);
  });
});

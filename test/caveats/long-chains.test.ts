/**
 * Chains that were made so that one caveat is held against all others. The numbers are far above any token's, so that
 * the difference between linear and quadratic is that between a moment and minutes, on any machine.
 */
import { describe, expect, test } from "vitest";

import { compileCaveat } from "../../src/caveats/condition.ts";
import { contradictions } from "../../src/caveats/together/contradictions.ts";
import { doubts } from "../../src/caveats/together/doubts.ts";
import { type Indexed, testsOfEveryCall } from "../../src/caveats/together/every-call.ts";
import { summarise } from "../../src/caveats/together/summary.ts";
import { newWork } from "../../src/caveats/values/work.ts";
import { processorTime } from "../support/processor-time.ts";

const MOMENT = 2_000;

function chain(count: number, caveat: (index: number) => string) {
  return Array.from({ length: count }, (_, index) => compileCaveat(caveat(index)));
}

function known(texts: readonly string[]): readonly Indexed[] {
  return texts.map((text, index) => {
    const condition = compileCaveat(text);
    if (condition.state !== "known") throw new Error(`${text} is no caveat`);
    return { index, caveat: condition.caveat };
  });
}

describe("a long chain is read in a moment", () => {
  test("of folders of one attribute, which begin alike", () => {
    const folders = chain(20_000, (index) => `r matches ${"a".repeat(200)}${index}/**`);
    expect(processorTime(() => summarise(folders))).toBeLessThan(MOMENT);
  });

  test("of names with many dots", () => {
    const dots = chain(2, (index) => `${"a.".repeat(100_000)}x${index} = 1`);
    expect(processorTime(() => contradictions(dots))).toBeLessThan(MOMENT);
    expect(processorTime(() => doubts(dots))).toBeLessThan(MOMENT);
  });

  test("of very many names", () => {
    const names = chain(30_000, (index) => `n${index}.amount = 1`);
    expect(processorTime(() => doubts(names))).toBeLessThan(MOMENT);
  });

  test("of conditional caveats that follow from one another, the last one first", () => {
    const count = 3_000;
    const texts = Array.from({ length: count }, (_, index) => `when b${index} = 1 then b${index + 1} = 1`);
    const work = newWork();
    let found = 0;
    const spent = processorTime(() => {
      found = testsOfEveryCall(known([...texts.reverse(), "b0 = 1"]), work).length;
    });
    expect(spent).toBeLessThan(MOMENT);
    // Each is found, and paid for once.
    expect(found).toBe(count + 1);
    expect(2_000_000 - work.left).toBe(count * (1 + 150 + (2 + 150)));
  });
});

test("the values of a conditional caveat are read once, however many tests it is held against", () => {
  const guard = "e\u0301".repeat(1_000);
  const spentOn = (tests: number) => {
    const work = newWork();
    const plain = Array.from({ length: tests }, (_, index) => `a = ${index % 10}`);
    testsOfEveryCall(known([`when a = ${guard} then c = 1`, ...plain]), work);
    return 2_000_000 - work.left;
  };
  const reading = guard.length + 150 + 15 * guard.length;
  expect(spentOn(1)).toBe(reading + 2 + 150);
  expect(spentOn(200)).toBe(reading + 200 * (2 + 150));
});

describe("of patterns inside each other the inner ones are said, as if each were held against all", () => {
  const PATTERNS = ["a/**", "a/b/**", "a/b", "a/", "ab/**", "b/**", "b*/**", "b/c*", "a/b/c/**", "**", "/**"];

  /** Held against each other, one by one. */
  function narrowest(patterns: readonly string[]): readonly string[] {
    return patterns.filter((pattern) => {
      const folder = pattern.endsWith("/**") ? pattern.slice(0, -2) : "";
      if (folder === "" || folder.includes("*")) return true;
      return !patterns.some(
        (other) => other !== pattern && other.length > folder.length && other.startsWith(folder),
      );
    });
  }

  test.each(PATTERNS)("%s among all subsets of three", (first) => {
    for (const second of PATTERNS) {
      for (const third of PATTERNS) {
        const patterns = [...new Set([first, second, third])];
        const told = summarise(patterns.map((pattern) => compileCaveat(`r matches ${pattern}`)));
        const alone = narrowest(patterns).map((pattern) => compileCaveat(`r matches ${pattern}`));
        expect(told).toBe(summarise(alone));
      }
    }
  });
});

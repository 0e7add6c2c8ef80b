import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { badSegment, matchesGlob } from "../../src/caveats/values/glob.ts";
import { newWork, WORK_LIMIT } from "../../src/caveats/values/work.ts";
import { processorTime } from "../support/processor-time.ts";

/** The definition, word by word, without any thought of time. */
function slowMatch(pattern: string, value: string): boolean {
  const seen = new Map<string, boolean>();
  const match = (p: number, v: number): boolean => {
    const key = `${p} ${v}`;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const result = step(p, v);
    seen.set(key, result);
    return result;
  };
  const step = (p: number, v: number): boolean => {
    if (p === pattern.length) return v === value.length;
    if (pattern[p] !== "*") return v < value.length && pattern[p] === value[v] && match(p + 1, v + 1);
    let stars = p;
    while (pattern[stars] === "*") stars++;
    const crosses = stars - p >= 2;
    for (let end = v; ; end++) {
      if (match(stars, end)) return true;
      if (end === value.length || (!crosses && value[end] === "/")) return false;
    }
  };
  return match(0, 0);
}

const unit = (letters: string, max: number) =>
  fc.string({ unit: fc.constantFrom(...letters), maxLength: max });

describe("globs", () => {
  test.each([
    { letters: "two letters", pattern: unit("ab/*", 10), value: unit("ab/", 12) },
    { letters: "one letter", pattern: unit("a/**", 14), value: unit("aaa/", 20) },
    { letters: "many runs", pattern: unit("a*/", 16), value: unit("ab/", 16) },
  ])("agree with the slow matcher over $letters", ({ pattern, value }) => {
    fc.assert(
      fc.property(pattern, value, (p, v) => {
        expect(matchesGlob(p, v, newWork())).toBe(slowMatch(p, v));
      }),
      { numRuns: 6_000 },
    );
  });

  test("agree with the slow matcher on values made from the pattern", () => {
    const piece = fc.constantFrom("a", "b", "/", "*", "**", "ab", "a/b", "/a/");
    const filler = fc.constantFrom("", "a", "b", "ab", "a/b", "/", "b/a/b");
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 9 }),
        fc.array(filler, { minLength: 9, maxLength: 9 }),
        (pieces, fill) => {
          const pattern = pieces.join("");
          let next = 0;
          const value = pattern.replace(/\*+/g, () => fill[next++] ?? "");
          expect(matchesGlob(pattern, value, newWork())).toBe(slowMatch(pattern, value));
        },
      ),
      { numRuns: 6_000 },
    );
  });

  test.each([
    ["", "empty_segment"],
    ["/", "empty_segment"],
    ["a", undefined],
    ["/a", undefined],
    ["//a", "empty_segment"],
    ["a/", "empty_segment"],
    ["a//b", "empty_segment"],
    ["a/b", undefined],
    [".", "dot_segment"],
    ["..", "dot_segment"],
    ["/..", "dot_segment"],
    ["a/..", "dot_segment"],
    ["a/./b", "dot_segment"],
    ["../a", "dot_segment"],
    ["...", undefined],
    ["a/.b", undefined],
    ["a/..b/c", undefined],
    ["a/b..", undefined],
  ])("the segments of %j", (value, expected) => {
    expect(badSegment(value)).toBe(expected);
  });

  test("no glob matches a value that climbs out of its folder", () => {
    const segment = fc.constantFrom("a", "..", ".", "", "b");
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const value = `root/${segments.join("/")}`;
        const climbs = new URL(value, "http://h/").pathname !== `/${value}` || segments.includes("");
        expect(badSegment(value) !== undefined).toBe(climbs);
      }),
    );
  });

  const VALUE = 65_536;
  const hostile: readonly (readonly [name: string, pattern: string, value: string])[] = [
    ["many stars", `${"*a".repeat(2_047)}*b`, "a".repeat(VALUE)],
    ["many double stars", `${"**a".repeat(1_365)}b`, "a".repeat(VALUE)],
    ["a piece that almost fits everywhere", `*${"a".repeat(4_000)}b*`, "a".repeat(VALUE)],
    ["a run of stars that floats", `**/${"*/".repeat(2_000)}x/**`, `${"a/".repeat(VALUE / 2 - 1)}a`],
    [
      "a run of letters and stars that floats",
      `**a*/${"a*/".repeat(1_300)}x/**`,
      `${"a/".repeat(VALUE / 2 - 1)}a`,
    ],
    [
      "searches in every segment",
      `**c${`*${"ab".repeat(30)}*/`.repeat(60)}x**`,
      `${`${"ab".repeat(100)}/`.repeat(326)}a`,
    ],
    ["many runs", "**/a*a".repeat(680), `${"aa/".repeat(VALUE / 3 - 1)}a`],
  ];

  test.each(hostile)("refuse %s of 4 KiB on 64 KiB within the allowance", (_, pattern, value) => {
    const work = newWork();
    expect(pattern.length).toBeLessThanOrEqual(4_096);
    const spent = processorTime(() => expect(matchesGlob(pattern, value, work)).toBe(false));
    // A few milliseconds; without the bound these take from seconds to hours.
    expect(spent).toBeLessThan(1_000);
    // What was taken after the allowance was used up is one search of the value at most.
    expect(work.left).toBeGreaterThan(-7 * (VALUE + 4_096));
  });

  test("decide every pattern and value of a kilobyte exactly, whatever their shape", () => {
    for (const [, pattern, value] of hostile) {
      const work = newWork();
      matchesGlob(pattern.slice(0, 256), value.slice(0, 1_024), work);
      expect(work.left).toBeGreaterThan(0);
    }
  });

  test.each([
    ["abc", "abc"],
    ["a*c", "abbc"],
    ["*b*", "abc"],
    ["*bc*d", "abcbcd"],
    ["a/*/c", "a/b/c"],
    ["**", "a/b"],
    ["a/**", "a/b/c"],
    ["**/c", "a/b/c"],
    ["**/b/**", "a/b/c"],
    ["**b**", "a/bb/c"],
    ["**a*b/c**", "x/axb/cd"],
    ["**/b*", "a/b/c/bd"],
    ["**/*/*c", "a/b/xc"],
    ["a*/**/*d/**e", "ab/c/xd/ye"],
    ["**a**b*/*c**", "xaxbx/xcx"],
  ])("%s matches %s with all of the work that it costs, and not with less", (pattern, value) => {
    const work = newWork();
    expect(matchesGlob(pattern, value, work)).toBe(true);
    const cost = WORK_LIMIT - work.left;
    expect(matchesGlob(pattern, value, newWork(cost))).toBe(true);
    const matched = Array.from({ length: cost }, (_, less) => less).filter((less) =>
      matchesGlob(pattern, value, newWork(less)),
    );
    expect(matched).toEqual([]);
  });

  test("match nothing once the allowance is used up", () => {
    expect(matchesGlob("a*", "ab", newWork())).toBe(true);
    expect(matchesGlob("a*", "ab", newWork(0))).toBe(false);
    expect(matchesGlob("**a**b*/*c**", "xaxbx/xcx", newWork(WORK_LIMIT))).toBe(true);
    expect(matchesGlob("**a**b*/*c**", "xaxbx/xcx", newWork(20))).toBe(false);
  });
});

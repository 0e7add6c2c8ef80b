import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCaveat, parseCaveatBytes } from "../../src/caveats/parse.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { processorTime } from "../support/processor-time.ts";
import { anyText, caveat, smallCaveat, smallContext } from "./arbitraries.ts";
import { loadCases } from "./cases.ts";
import { clearTexts } from "./texts.ts";

const NOW = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");

describe("parse and print", () => {
  test("parsing what was printed gives the same caveat", () => {
    fc.assert(
      fc.property(caveat, (original) => {
        expect(parseCaveat(printCaveat(original))).toStrictEqual(original);
      }),
      { numRuns: 2_000 },
    );
  });

  test("printing what was parsed is canonical: printed again it does not change", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, smallCaveat), (text) => {
        const parsed = parseCaveat(text);
        if (parsed === undefined) return;
        const printed = printCaveat(parsed);
        expect(parseCaveat(printed)).toStrictEqual(parsed);
        expect(printCaveat(parseCaveat(printed) ?? parsed)).toBe(printed);
      }),
      { numRuns: 2_000 },
    );
  });

  test("the canonical text clears exactly as the text that was written", () => {
    const texts = fc.oneof(smallCaveat, fc.constantFrom(...loadCases().flatMap(({ caveats }) => caveats)));
    fc.assert(
      fc.property(texts, smallContext, (text, context) => {
        const parsed = parseCaveat(text);
        if (parsed === undefined) return;
        const facts = { now: NOW, context, macaroon: "root" } as const;
        const codes = (chain: string): unknown =>
          clearTexts([chain], facts).failures.map(({ code, detail }) => [code, detail]);
        expect(codes(printCaveat(parsed))).toEqual(codes(text));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["x in a,b,   c", "x in a, b, c"],
    ['x in "a", "b,c", " d", "\\"e"', 'x in a, "b,c", " d", "\\"e"'],
    ["x <= 1.50e2", "x <= 150"],
    ["x < -0", "x < 0"],
    ["x >= 0.0010", "x >= 0.001"],
    ["x < 2026-12-01t02:00:00.500+02:00", "x < 2026-12-01T00:00:00.5Z"],
    ["time-before 2026-12-01T00:00:00Z", "time < 2026-12-01T00:00:00Z"],
    ["ip within 10.1.2.3/8,2001:DB8:0:0:0:0:0:1", "ip within 10.0.0.0/8, 2001:db8::1/128"],
    ["ip within ::ffff:10.0.0.0/104", "ip within 10.0.0.0/8"],
    ["x = 1.0", "x = 1.0"],
    ["agent = a#b", "agent = a#b"],
  ])("the canonical text of %j is %j", (text, canonical) => {
    const parsed = parseCaveat(text);
    expect(parsed && printCaveat(parsed)).toBe(canonical);
  });

  test("a byte sequence that is not UTF-8 is no caveat, whatever stands around it", () => {
    const prefix = [...new TextEncoder().encode("x = a")];
    const broken = [[0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82], [0xff]];
    for (const bytes of broken) expect(parseCaveatBytes(Uint8Array.of(...prefix, ...bytes))).toBeUndefined();
    expect(parseCaveatBytes(Uint8Array.of(...prefix))).toStrictEqual(parseCaveat("x = a"));
  });

  test("a control character makes a text no caveat, and the characters beside each range do not", () => {
    const isCaveat = (character: string) => parseCaveat(`a = x${character}x`) !== undefined;
    expect(["\u0000", "\u001f", "\u007f", "\u0080", "\u009f"].filter(isCaveat)).toEqual([]);
    expect([" ", "~", "\u00a0"].filter(isCaveat)).toEqual([" ", "~", "\u00a0"]);
  });

  test("a byte order mark is not dropped: the text it begins is no caveat", () => {
    expect(parseCaveatBytes(new TextEncoder().encode("\ufeffx = a"))).toBeUndefined();
    expect(parseCaveatBytes(new TextEncoder().encode("x = \ufeffa"))).toBeUndefined();
  });

  test("takes time linear in hostile texts", () => {
    const long = 200_000;
    const texts = [
      `x in ${"a,".repeat(long)}`,
      `x in "${"\\".repeat(long)}`,
      `x <= 1e${"9".repeat(long)}`,
      `x <= ${"0".repeat(long)}1`,
      `${"a.".repeat(long)}a = 1`,
      `x = ${"e\u0301".repeat(long)}${" ".repeat(long)}`,
      `x = ${"\u0301\u0316".repeat(long)}`,
      `x within ${"::".repeat(long)}`,
      `x < 2026-01-01T00:00:00.${"0".repeat(long)}`,
      `agent = ${"a".repeat(long)}`,
    ];
    const spent = processorTime(() => {
      for (const text of texts) parseCaveat(text);
    });
    // A quadratic scan of any of these takes minutes.
    expect(spent).toBeLessThan(5_000);
  });
});

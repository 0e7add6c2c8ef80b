import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  compareDecimals,
  type Decimal,
  formatDecimal,
  readDecimal,
  readDecimalLoosely,
} from "../../src/caveats/values/decimal.ts";
import { decimalText } from "./arbitraries.ts";

const SCALE = 60;

/** An independent reading: the value times 10^60, as a big integer. Exponents must be small. */
function scaled(text: string): bigint {
  const [, sign, integer = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? expect.fail(`not a number: ${text}`);
  const shift = SCALE + Number(exponent) - fraction.length;
  const value = BigInt(integer + fraction) * 10n ** BigInt(Math.max(shift, 0));
  return (sign === "-" ? -value : value) / 10n ** BigInt(Math.max(-shift, 0));
}

function read(text: string): Decimal {
  const reading = readDecimal(text);
  return reading === undefined || reading === "too_long" ? expect.fail(`not read: ${text}`) : reading;
}

describe("decimals", () => {
  test("compare as big integers do", () => {
    fc.assert(
      fc.property(decimalText, decimalText, (a, b) => {
        const difference = scaled(a) - scaled(b);
        expect(Math.sign(compareDecimals(read(a), read(b))) + 0).toBe(
          difference < 0n ? -1 : difference > 0n ? 1 : 0,
        );
      }),
      { numRuns: 3_000 },
    );
  });

  test("neighbours in the last digit compare as big integers do", () => {
    const close = fc.tuple(decimalText, fc.constantFrom("0", "1", "5"), fc.constantFrom("0", "1", "5"));
    fc.assert(
      fc.property(close, ([base, x, y]) => {
        if (/[eE]/.test(base)) return;
        const point = base.includes(".") ? "" : ".";
        const [a, b] = [`${base}${point}${x}`, `${base}${point}${y}`];
        const difference = scaled(a) - scaled(b);
        expect(Math.sign(compareDecimals(read(a), read(b))) + 0).toBe(
          difference < 0n ? -1 : difference > 0n ? 1 : 0,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["0.1", "0.10000000000000000000001"],
    ["0.09999999999999999999999", "0.1"],
    ["-0.10000000000000000000001", "-0.1"],
    ["123456789012345678901234567890", "123456789012345678901234567891"],
    ["9", "10"],
    ["-10", "-9"],
    ["-1", "0"],
    ["0.5", "0.45e1"],
  ])("%s is less than %s", (less, more) => {
    expect(compareDecimals(read(less), read(more))).toBeLessThan(0);
    expect(compareDecimals(read(more), read(less))).toBeGreaterThan(0);
  });

  test("one value has one representation and one text", () => {
    fc.assert(
      fc.property(decimalText, (text) => {
        const canonical = formatDecimal(read(text));
        expect(scaled(canonical)).toBe(scaled(text));
        expect(canonical).toMatch(/^(?:0|-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?)$/);
        expect(canonical).not.toBe("-0");
        expect(read(canonical)).toStrictEqual(read(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["1e39", `1${"0".repeat(39)}`],
    ["1e-40", `0.${"0".repeat(39)}1`],
    ["-0", "0"],
    ["-0.00e5", "0"],
    ["0e999999999999999999999", "0"],
    ["12345678901234567890.12345678901234567890", "12345678901234567890.1234567890123456789"],
    [`1.${"0".repeat(5_000)}`, "1"],
    [`1${"0".repeat(5_000)}e-5000`, "1"],
    ["100e-2", "1"],
    ["0.1e1", "1"],
  ])("%s reads as %s", (text, canonical) => {
    expect(formatDecimal(read(text))).toBe(canonical);
  });

  test.each([
    "1e40",
    "1e-41",
    "1e999999999",
    "-1e-999999999",
    "9".repeat(41),
    `0.${"1".repeat(41)}`,
    "1e99999999999999999999",
  ])("%s has too many digits", (text) => {
    expect(readDecimal(text)).toBe("too_long");
  });

  test.each([
    "",
    "-",
    "+1",
    "01",
    "-01",
    ".5",
    "5.",
    "1e",
    "1e+",
    "1.e5",
    "1 ",
    " 1",
    "0x1",
    "1_000",
    "1,5",
    "NaN",
    "Infinity",
    "--1",
    "1e1.5",
    "१",
  ])("%j is no decimal", (text) => {
    expect(readDecimal(text)).toBeUndefined();
  });

  test.each([
    ["+1", "1"],
    ["0001", "1"],
    [".5", "0.5"],
    ["5.", "5"],
    ["-00.50e1", "-5"],
  ])("%j, for refusing, reads as %s", (text, canonical) => {
    const reading = readDecimalLoosely(text);
    expect(typeof reading === "object" && formatDecimal(reading)).toBe(canonical);
  });

  test.each(["", ".", "+", "-.", "e5", ".e5", "1 2", "+-1"])("%j is no decimal to anybody", (text) => {
    expect(readDecimalLoosely(text)).toBeUndefined();
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import {
  compareInstants,
  formatInstant,
  type Instant,
  instantFromMilliseconds,
  millisecondsNotBefore,
  millisecondsOf,
  parseInstant,
} from "../../src/caveats/values/instant.ts";
import { instant } from "./arbitraries.ts";

const FIRST = Date.parse("0000-01-01T00:00:00Z");
const LAST = Date.parse("9999-12-31T23:59:59.999Z");
const milliseconds = fc.integer({ min: FIRST, max: LAST });

describe("instants", () => {
  test("read as the platform's own dates do, to the millisecond", () => {
    fc.assert(
      fc.property(milliseconds, (ms) => {
        expect(parseInstant(new Date(ms).toISOString())).toStrictEqual(instantFromMilliseconds(ms));
      }),
      { numRuns: 2_000 },
    );
  });

  test("print as the platform's own dates do, but for needless zeros", () => {
    fc.assert(
      fc.property(milliseconds, (ms) => {
        const expected = new Date(ms).toISOString().replace(/\.?0*Z$/, "Z");
        const whole = ms % 1000 === 0 ? new Date(ms).toISOString().replace(".000Z", "Z") : expected;
        expect(formatInstant(instantFromMilliseconds(ms))).toBe(whole);
      }),
      { numRuns: 2_000 },
    );
  });

  test("of every month of years about leap years and centuries read and print as the platform's own dates do", () => {
    const years = [0, 1, 3, 4, 5, 96, 99, 100, 101, 104, 199, 200, 300, 399, 400, 401, 404, 1600, 1700, 1899]
      .concat([1900, 1904, 1969, 1970, 1999, 2000, 2001, 2004, 2099, 2100, 2399, 2400, 9599, 9600, 9999])
      .flatMap((year) => Array.from({ length: 12 }, (_, month) => ({ year, month })));
    const wrong: string[] = [];
    for (const { year, month } of years) {
      for (const day of [1, 2, 28, 29, 30, 31]) {
        const date = new Date(0);
        // A date of a month that is too short for it is one of the next month.
        date.setUTCFullYear(year, month, day);
        if (date.getUTCFullYear() > 9999) continue;
        const text = date.toISOString();
        const read = parseInstant(text);
        const printed = formatInstant(instantFromMilliseconds(date.getTime()));
        if (read === undefined || millisecondsOf(read) !== date.getTime()) wrong.push(text);
        if (printed !== text.replace(".000Z", "Z")) wrong.push(printed);
      }
    }
    expect(wrong).toEqual([]);
  });

  test.each(["02-30", "02-31", "04-31", "06-31", "09-31", "11-31", "01-32", "12-32", "03-00"])(
    "no month has the day %s",
    (day) => expect(parseInstant(`2024-${day}T00:00:00Z`)).toBeUndefined(),
  );

  test("an offset moves an instant and does not change which it is", () => {
    const offset = fc.tuple(
      fc.constantFrom("+", "-"),
      fc.integer({ min: 0, max: 23 }),
      fc.integer({ min: 0, max: 59 }),
    );
    const inner = fc.integer({ min: FIRST + 86_400_000, max: LAST - 86_400_000 });
    fc.assert(
      fc.property(inner, offset, (ms, [sign, hours, minutes]) => {
        const shift = (sign === "-" ? -1 : 1) * (hours * 60 + minutes) * 60_000;
        const local = new Date(ms + shift).toISOString().slice(0, -1);
        const pad = (value: number): string => String(value).padStart(2, "0");
        expect(parseInstant(`${local}${sign}${pad(hours)}:${pad(minutes)}`)).toStrictEqual(
          instantFromMilliseconds(ms),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test("order as their scaled integers do, whatever the length of the fraction", () => {
    const scaled = (at: { seconds: number; fraction: string }): bigint =>
      BigInt(at.seconds) * 10n ** 12n + BigInt(at.fraction.padEnd(12, "0"));
    const close = fc.tuple(instant, instant).map(([a, b]) => [a, { ...b, seconds: a.seconds }] as const);
    fc.assert(
      fc.property(fc.oneof(fc.tuple(instant, instant), close), ([a, b]) => {
        const difference = scaled(a) - scaled(b);
        expect(Math.sign(compareInstants(a, b))).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    "",
    "2026-12-01",
    "2026-12-01T00:00:00",
    "2026-12-01 00:00:00Z",
    "2026-12-01T00:00Z",
    "2026-12-01T00:00:00.Z",
    "2026-12-01T00:00:00,5Z",
    "2026-12-01T24:00:00Z",
    "2026-12-01T23:60:00Z",
    "2026-12-31T23:59:60Z",
    "2026-13-01T00:00:00Z",
    "2026-00-01T00:00:00Z",
    "2026-12-00T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-12-01T00:00:00+24:00",
    "2026-12-01T00:00:00+01:60",
    "2026-12-01T00:00:00+0100",
    "2026-12-01T00:00:00+01",
    "2026-12-01T00:00:00ZZ",
    "2026-12-01T00:00:00Z ",
    " 2026-12-01T00:00:00Z",
    "+2026-12-01T00:00:00Z",
    "12026-12-01T00:00:00Z",
    "2026-12-01T00:00:00.5",
    "2026-1-01T00:00:00Z",
    "0000-01-01T00:00:00+00:01",
    "0000-01-01T00:00:59+00:01",
    "9999-12-31T23:59:59-00:01",
    "9999-12-31T23:59:00-00:01",
    "x026-12-01T00:00:00Z",
    "2026-x2-01T00:00:00Z",
    "2026-12-x1T00:00:00Z",
    "2026-12-01Tx0:00:00Z",
    "2026-12-01T00:x0:00Z",
    "2026-12-01T00:00:x0Z",
    "2026-12-01T00:00:00+x1:00",
    "2026-12-01T00:00:00+01:x0",
    "2026-12-01T00:00:00+01-00",
    "2026-12-01T00:00:00+01:000",
    "2026-12-01T00:00:00=01:00",
    "2026/12-01T00:00:00Z",
    "2026-12/01T00:00:00Z",
    "2026-12-01T00-00:00Z",
    "2026-12-01T00:00-00Z",
    "2026-12-01X00:00:00Z",
    "2026-12-01T00:00:00X",
    "2026-12-01T00:00:00:5Z",
    "1767225600",
  ])("%j is no instant", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test.each([
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
    ["2026-12-01T00:00:00-00:00", "2026-12-01T00:00:00Z"],
    ["2026-12-01t00:00:00.10z", "2026-12-01T00:00:00.1Z"],
    [`2026-12-01T00:00:00.${"123456789".repeat(5)}Z`, `2026-12-01T00:00:00.${"123456789".repeat(5)}Z`],
    ["0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"],
    ["1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z"],
  ])("%s prints as %s", (text, canonical) => {
    const parsed = parseInstant(text);
    expect(parsed && formatInstant(parsed)).toBe(canonical);
  });
});

describe("milliseconds", () => {
  test.each([
    ["1970-01-01T00:00:00Z", 0, 0],
    ["1970-01-01T00:00:00.05Z", 50, 50],
    ["1970-01-01T00:00:01.999Z", 1_999, 1_999],
    ["1970-01-01T00:00:01.9990001Z", 1_999, 2_000],
    ["1969-12-31T23:59:59.25Z", -750, -750],
    ["1969-12-31T23:59:59.2501Z", -750, -749],
  ])("of %s: not after it %i, not before it %i", (text, notAfter, notBefore) => {
    const instant = parseInstant(text) as Instant;
    expect([millisecondsOf(instant), millisecondsNotBefore(instant)]).toEqual([notAfter, notBefore]);
  });

  test("and a part of one is passed over", () => {
    expect(instantFromMilliseconds(1_001.9)).toEqual({ kind: "instant", seconds: 1, fraction: "001" });
    expect(instantFromMilliseconds(-0.1)).toEqual({ kind: "instant", seconds: -1, fraction: "999" });
  });

  test("are what the instant was made of", () => {
    fc.assert(
      fc.property(milliseconds, (at) => {
        const instant = instantFromMilliseconds(at);
        expect([millisecondsOf(instant), millisecondsNotBefore(instant)]).toEqual([at, at]);
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { clear } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { addressSpellings } from "../../src/caveats/values/address-spellings.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";

/** The texts that one parser or another takes for the address on the left. */
const SPELLINGS: readonly (readonly [string, readonly string[]])[] = [
  [
    "fe80::1",
    [
      "fe80::1%eth0",
      "FE80::1%25eth0",
      "[fe80::1]",
      "[fe80::1%eth0]:443",
      "fe80:0:0::1%1",
      "fe80::1/128",
      " fe80::1%a ",
    ],
  ],
  ["::a00:1", ["::10.0.0.1", "::10.0.0.1%eth0", "[::10.0.0.1]", "0:0:0:0:0:0:a00:1", "::012.0.0.1"]],
  [
    "10.0.0.1",
    [
      "::ffff:10.0.0.1",
      "::ffff:10.0.0.1%eth0",
      "10.0.0.1:80",
      "[10.0.0.1]:80",
      "10.0.0.1/32",
      "010.0.0.1",
      "012.0.0.1",
      "0012.00.00.01",
      "0xa.0.0.1",
      "10.1",
      "10.0.1",
      "0xa000001",
      "167772161",
      "::10.0.0.1",
      "0::10.0.0.1",
      "[0:0::10.0.0.1]:80",
      "::ffff:a00:1",
      "10.0.0.1.",
      "10.0.0.1.:80",
      "0x000000000a.0.0.1",
      "0000000000012.0.0.1",
      "10.0x.0.1",
    ],
  ],
  ["127.0.0.1", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "127.0.0.1:8080"]],
];

const now = instantFromMilliseconds(0);
const cleared = (caveat: string, ip: string) =>
  clear([compileCaveat(caveat)], { context: new Map([["ip", ip]]), now, macaroon: "root" }).failures
    .length === 0;

describe("a denied address is denied in every spelling", () => {
  for (const [address, spellings] of SPELLINGS) {
    test.each(spellings)(`${address} as %j`, (spelling) => {
      expect(cleared(`ip != ${address}`, spelling)).toBe(false);
      expect(cleared(`ip not in 192.0.2.7, ${address}`, spelling)).toBe(false);
      // And the other way round: a caveat may be written in a spelling of its own.
      if (spelling === spelling.trim()) expect(cleared(`ip != ${spelling}`, address)).toBe(false);
    });
  }

  test("every IPv4 address in octal, hexadecimal and as one number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0x1000000, max: 0xffffffff }), (word) => {
        const bytes = [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff);
        const dotted = bytes.join(".");
        const octal = bytes.map((byte) => `0${byte.toString(8)}`).join(".");
        const hex = bytes.map((byte) => `0x${byte.toString(16)}`).join(".");
        for (const spelling of [octal, hex, `${word}`, `0x${word.toString(16)}`, `${dotted}:1`]) {
          expect(addressSpellings(spelling)).toContain(dotted);
        }
      }),
    );
  });
});

describe("what is no address is not taken for one", () => {
  test.each([
    ["fe80::1", "fe80::2%eth0"],
    ["10.0.0.1", "10.0.0.10"],
    ["10.0.0.1", "10.0.0.1.2"],
    ["10.0.0.1", "alice"],
    ["10.0.0.1", "0.0.31.144"],
    ["0.0.31.144", "8080"],
    ["1.2.3.4", "1.2.3"],
    ["1.2.3.4", "v1.2.3.4"],
    ["10.0.0.1", "10.0.0.1/24"],
    ["10.0.0.1", "10.0.0.1/321"],
    ["::1", "::1/1289"],
    // Only below ::/96 is what ends in an IPv4 address taken for that one.
    ["10.0.0.1", "fe80::010.0.0.1"],
    ["10.0.0.1", "08.0.0.1"],
    ["10.0.0.1", ""],
  ])("%s is not %j", (address, other) => {
    expect(cleared(`ip != ${address}`, other)).toBe(true);
  });

  test.each<[string, readonly string[]]>([
    ["255.255.255.255", ["255.255.255.255"]],
    ["256.0.0.1", []],
    ["1.256.0.1", []],
    ["1.0.256.1", []],
    ["1.0.0.256", []],
    ["1.0.65535", ["1.0.255.255"]],
    ["1.0.65536", []],
    ["1.256.1", []],
    ["1.16777215", ["1.255.255.255"]],
    ["1.16777216", []],
    ["256.1", []],
    ["4294967295", ["255.255.255.255"]],
    ["4294967296", []],
    // A lone number below 1.0.0.0 is a number.
    ["16777216", ["1.0.0.0"]],
    ["16777215", []],
    ["0x1000000", ["1.0.0.0"]],
    ["0xffffff", []],
    ["0x1ffffffff", []],
    ["1.2.3.", ["1.2.0.3"]],
    ["1..2", []],
    [".1.2.3", []],
    ["1.2.3.4.", ["1.2.3.4"]],
    ["1.2.3.4..", []],
    ["1.2.3.0x", ["1.2.3.0"]],
    ["1.2.3.-4", []],
    ["1.2.3.4.", ["1.2.3.4"]],
    ["1.2.3.4..", []],
    ["1.2.3.4:123456", []],
    ["1.2.3.4:12345", ["1.2.3.4"]],
    ["[1.2.3.4]:123456", []],
    ["[1.2.3.4", []],
    ["1.[1.2.3.4]", []],
    ["::1.2.3.4/32", []],
    ["16909060.", ["1.2.3.4"]],
    ["16909060.:80", ["1.2.3.4"]],
    ["1.x2", []],
    ["1.2x", []],
    ["080.1.1.1", ["80.1.1.1"]],
    ["018.1.1.1", ["18.1.1.1"]],
    ["[1.2.3.4]x", []],
    ["[1.2.3.4]:", []],
    ["[1.2.3.4]1", []],
    ["1.2.3.4:", []],
    ["1.2.3.4:123456", []],
    ["1.2.3.4:8x", []],
    [":1.2.3.4:8", []],
    ["1.2.3.4.", ["1.2.3.4"]],
    ["1.2.3.4..", []],
    ["x[1.2.3.4]", []],
    ["1.2.3.4/32", ["1.2.3.4"]],
    ["1.2.3.4/31", []],
    ["1.2.3.4/128", []],
    ["::1/128", ["::1"]],
    ["::1/32", []],
    // Octal and decimal differ, so both are meant.
    ["010.1.1.1", ["10.1.1.1", "8.1.1.1"]],
    ["1.010", ["1.0.0.10", "1.0.0.8"]],
    ["09.1.1.1", ["9.1.1.1"]],
    // The deprecated form is an address of each family.
    ["::1.2.3.4%1", ["::102:304", "1.2.3.4"]],
    ["::010.2.3.4", ["::a02:304", "10.2.3.4", "::802:304", "8.2.3.4"]],
    ["::0310.0.0.1", ["::c800:1", "200.0.0.1"]],
    ["::ffff:1.2.3.4%1", ["1.2.3.4"]],
    ["1::1.2.3.4%1", ["1::102:304"]],
    ["0:0:1::1.2.3.4%1", ["0:0:1::102:304"]],
    ["::1.2.3.256%1", []],
    ["::x.2.3.4", []],
    [`[::1%${"z".repeat(122)}]`, ["::1"]],
    [`[::1%${"z".repeat(123)}]`, []],
  ])("%s is %j", (text, expected) =>
    expect([...addressSpellings(text)].sort()).toEqual([...expected].sort()),
  );

  test("any text is read in bounded time and without a fault", () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(..."0123456789abcdefx.:[]%/") }));
    fc.assert(fc.property(text, (any) => void addressSpellings(any)));
    expect(addressSpellings("1".repeat(100_000))).toEqual([]);
  });
});

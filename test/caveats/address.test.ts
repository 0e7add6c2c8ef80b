import { isIP } from "node:net";

import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";

import {
  contains,
  formatAddress,
  overlap,
  parseAddress,
  parseBlock,
} from "../../src/caveats/values/address.ts";
import { ipv4Text, ipv6Text } from "./arbitraries.ts";

const mapped = fc.oneof(
  ipv4Text.map((text) => `::ffff:${text}`),
  ipv4Text.map((text) => ipaddr.IPv4.parse(text).toIPv4MappedAddress().toNormalizedString()),
);
const address = fc.oneof(ipv4Text, ipv6Text, mapped);
const block = fc.oneof(
  fc.tuple(ipv4Text, fc.integer({ min: 0, max: 32 })),
  fc.tuple(ipv6Text, fc.integer({ min: 0, max: 128 })),
);

/** What ipaddr.js says: mapped addresses are IPv4, and families do not mix. */
function oracleContains(base: string, prefix: number, text: string): boolean {
  const network = ipaddr.parse(base);
  const tested = ipaddr.process(text);
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress() && prefix >= 96) {
    return tested instanceof ipaddr.IPv4 && tested.match(network.toIPv4Address(), prefix - 96);
  }
  if (network instanceof ipaddr.IPv4) return tested instanceof ipaddr.IPv4 && tested.match(network, prefix);
  return tested instanceof ipaddr.IPv6 && tested.match(network, prefix);
}

function holds(blockText: string, text: string): boolean {
  const [parsed, tested] = [parseBlock(blockText), parseAddress(text)];
  if (parsed === undefined || tested === undefined) return expect.fail(`not read: ${blockText}, ${text}`);
  return contains(parsed, tested);
}

describe("addresses and blocks", () => {
  test("agree with ipaddr.js on any address and any block", () => {
    fc.assert(
      fc.property(block, address, ([base, prefix], text) => {
        expect(holds(`${base}/${prefix}`, text)).toBe(oracleContains(base, prefix, text));
      }),
      { numRuns: 3_000 },
    );
  });

  test("agree with ipaddr.js on addresses that differ from the block in one bit", () => {
    const near = fc.tuple(fc.oneof(ipv4Text, ipv6Text, mapped), fc.nat({ max: 127 }), fc.nat({ max: 128 }));
    fc.assert(
      fc.property(near, ([base, bit, length]) => {
        const bytes = ipaddr.parse(base).toByteArray();
        const flipped = bytes.with(
          (bit >> 3) % bytes.length,
          (bytes[(bit >> 3) % bytes.length] ?? 0) ^ (128 >> (bit & 7)),
        );
        const text = ipaddr.fromByteArray(flipped).toString();
        const prefix = length % (bytes.length * 8 + 1);
        expect(holds(`${base}/${prefix}`, text)).toBe(oracleContains(base, prefix, text));
      }),
      { numRuns: 3_000 },
    );
  });

  test("print as RFC 5952 asks, and are read back", () => {
    fc.assert(
      fc.property(address, (text) => {
        const parsed = parseAddress(text) ?? expect.fail(`not read: ${text}`);
        const oracle = ipaddr.process(text);
        const expected = oracle instanceof ipaddr.IPv6 ? oracle.toRFC5952String() : oracle.toString();
        expect(formatAddress(parsed)).toBe(expected);
        expect(parseAddress(expected)).toStrictEqual(parsed);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ["1:0:0:2:0:0:3:4", "1::2:0:0:3:4"],
    ["1:0:0:2:0:0:0:4", "1:0:0:2::4"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["2001:DB8::A", "2001:db8::a"],
    ["abcd:abcd:abcd:abcd:abcd:abcd:192.168.158.190", "abcd:abcd:abcd:abcd:abcd:abcd:c0a8:9ebe"],
    ["255.255.255.255", "255.255.255.255"],
    // Only ::ffff:0:0/96 holds IPv4 addresses.
    ["1::ffff:1.2.3.4", "1::ffff:102:304"],
    ["::1:0:ffff:1.2.3.4", "::1:0:ffff:102:304"],
    ["::ffff:0:1.2.3.4", "::ffff:0:102:304"],
    ["::fffe:1.2.3.4", "::fffe:102:304"],
    ["F:A::f:a", "f:a::f:a"],
    ["::ffff:0a00:0001", "10.0.0.1"],
  ])("%s prints as %s", (text, canonical) => {
    const parsed = parseAddress(text);
    expect(parsed && formatAddress(parsed)).toBe(canonical);
  });

  test("are what the platform's own parser takes, but for zones and the deprecated ::1.2.3.4", () => {
    const part = fc.constantFrom(
      ":",
      "::",
      "0",
      "1",
      "ffff",
      "a0b1",
      "12345",
      "g",
      ".",
      "255",
      "256",
      "01",
      "1.2.3.4",
    );
    const built = fc.array(part, { maxLength: 17 }).map((parts) => parts.join(""));
    const grouped = fc
      .array(fc.constantFrom("", "0", "1", "ffff", "1.2.3.4"), { maxLength: 10 })
      .map((parts) => parts.join(":"));
    const damaged = fc
      .tuple(address, fc.nat(), fc.constantFrom("", ":", ".", "0", "f"))
      .map(
        ([text, at, added]) => text.slice(0, at % text.length) + added + text.slice((at % text.length) + 1),
      );
    fc.assert(
      fc.property(fc.oneof(built, grouped, damaged), (text) => {
        const taken = isIP(text) !== 0 && !/^::[0-9]+\./.test(text);
        expect(parseAddress(text) !== undefined, text).toBe(taken);
      }),
      { numRuns: 10_000 },
    );
  });

  test("two blocks overlap exactly where one holds the other's first address", () => {
    fc.assert(
      fc.property(block, block, ([a, m], [b, n]) => {
        const [first, second] = [parseBlock(`${a}/${m}`), parseBlock(`${b}/${n}`)];
        if (first === undefined || second === undefined) return expect.fail("not read");
        expect(overlap(first, second)).toBe(contains(first, second) || contains(second, first));
      }),
    );
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.04",
    "01.2.3.4",
    "0x1.2.3.4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.",
    ".1.2.3",
    "1..2.3",
    "16909060",
    "1.2.3.4:80",
    "１.2.3.4",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "g::",
    "G::",
    "@::",
    "`::",
    "/::",
    "::1%eth0",
    "[::1]",
    "::1.2.3",
    "::1.2.3.4",
    "::1.2.3.4.5",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    ":1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:",
    "::ffff:1.2.3.04",
    "localhost",
  ])("%j is no address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test.each([
    "1.2.3.4/33",
    "::/129",
    "1.2.3.4/",
    "1.2.3.4/ 8",
    "1.2.3.4/08",
    "1.2.3.4/+8",
    "1.2.3.4/8/8",
    "/8",
    "1.2.3/8",
    "1.2.3.4/255.0.0.0",
    "1.2.3.4/1e1",
  ])("%j is no block", (text) => {
    expect(parseBlock(text)).toBeUndefined();
  });
});

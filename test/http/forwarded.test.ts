import fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";

import { parseBlock } from "../../src/caveats/values/address.ts";
import { originOf } from "../../src/http/parts/forwarded.ts";
import { processorTime } from "../support/processor-time.ts";

const blocks = (...texts: readonly string[]) => texts.flatMap((text) => parseBlock(text) ?? []);
const TRUSTED = blocks("10.0.0.0/8", "2001:db8:aa::/48");
const PROXY = "10.0.0.1";

/**
 * The address for caveats on `ip`, by headers; several of a name are joined as both servers join them. Limits and the log
 * count what is not known as the proxy's.
 */
function asks(
  headers: Readonly<Record<string, string | readonly string[]>>,
  peer: string | undefined = PROXY,
  trusted = TRUSTED,
): string | undefined {
  const origin = originOf(
    peer,
    (name) => {
      const value = headers[name];
      return value === undefined ? null : [value].flat().join(", ");
    },
    trusted,
  );
  expect(origin.peer).toBe(origin.ip ?? peer);
  return origin.ip;
}

const list = (value: string | readonly string[], peer?: string) => asks({ "x-forwarded-for": value }, peer);
const forwarded = (value: string | readonly string[], peer?: string) => asks({ forwarded: value }, peer);

describe("who is believed", () => {
  test.each([
    ["nobody, unless said", PROXY, []],
    ["no peer that is not trusted", "192.0.2.1", TRUSTED],
    ["no peer that is almost trusted", "11.0.0.1", TRUSTED],
    ["no peer of the other family", "::a00:1", TRUSTED],
    ["no peer without an address", "", TRUSTED],
  ])("%s", (_, peer, trusted) => {
    for (const name of ["forwarded", "x-forwarded-for"]) {
      const value = name === "forwarded" ? "for=203.0.113.9" : "203.0.113.9";
      expect(asks({ [name]: value }, peer, trusted)).toBe(peer);
    }
  });

  test("a peer that is not known stays so", () => {
    expect(originOf(undefined, () => "203.0.113.9", TRUSTED)).toEqual({ peer: undefined, ip: undefined });
  });

  test("a trusted proxy of version 6", () => {
    expect(list("203.0.113.9", "2001:db8:aa::1")).toBe("203.0.113.9");
  });

  test("who says nothing asks for itself", () => {
    expect(asks({})).toBe(PROXY);
  });
});

describe.each([
  ["X-Forwarded-For", list, (hops: readonly string[]) => hops.join(", ")],
  [
    "Forwarded",
    forwarded,
    (hops: readonly string[]) => hops.map((hop) => `for="${hop}";proto=https`).join(", "),
  ],
])("%s", (_, read, write) => {
  test.each([
    ["one hop", ["203.0.113.9"], "203.0.113.9"],
    ["trusted proxies behind it", ["203.0.113.9", "10.1.1.1", "10.2.2.2"], "203.0.113.9"],
    ["what it claims itself", ["198.51.100.1", "203.0.113.9", "10.1.1.1"], "203.0.113.9"],
    ["a trusted address that it claims", ["10.9.9.9", "203.0.113.9"], "203.0.113.9"],
    ["trusted ones alone: the farthest", ["10.3.3.3", "10.2.2.2"], "10.3.3.3"],
    ["version 6", ["2001:db8::7", "2001:db8:aa::2"], "2001:db8::7"],
    ["version 6 in one spelling", ["2001:0DB8:0:0:0:0:0:7"], "2001:db8::7"],
    ["version 6 in brackets", ["[2001:db8::7]"], "2001:db8::7"],
    ["version 6 with a port", ["[2001:db8::7]:4711"], "2001:db8::7"],
    ["version 4 with a port", ["203.0.113.9:4711"], "203.0.113.9"],
    ["version 4 in version 6", ["::ffff:203.0.113.9"], "203.0.113.9"],
    ["trusted in version 6", ["203.0.113.9", "::ffff:10.1.1.1"], "203.0.113.9"],
    ["nonsense to the left of it", ["unknown", "_x", "203.0.113.9"], "203.0.113.9"],
  ])("%s", (_, hops, client) => {
    expect(read(write(hops))).toBe(client);
    expect(read(hops.map((hop) => write([hop])))).toBe(client); // one header each
  });

  test.each([
    ["unknown"],
    ["_hidden"],
    [""],
    [" "],
    ["203.0.113.256"],
    ["203.0.113.09"],
    ["203.0.113"],
    ["3405803785"],
    ["0xcb007109"],
    ["203.0.113.9:"],
    ["203.0.113.9:port"],
    ["203.0.113.9:123456"],
    ["203.0.113.9/32"],
    ["2001:db8::7:::"],
    ["[2001:db8::7"],
    ["2001:db8::7]"],
    ["[203.0.113.9]"],
    ["[2001:db8::7]x"],
    ["fe80::1%eth0"],
    ["::1.2.3.4"],
    ["localhost"],
    ["203.0.113.9\u00a0"],
  ])("a last hop that is no address, %j, tells nothing", (hop) => {
    expect(read(write([hop]))).toBeUndefined();
    expect(read(write(["203.0.113.9", hop, "10.1.1.1"]))).toBeUndefined();
  });

  test("ten thousand hops cost next to nothing, and are not followed", () => {
    for (const hop of ["10.1.1.1", "203.0.113.9", "x"]) {
      const hops = write(Array.from({ length: 10_000 }, () => hop));
      expect(processorTime(() => expect(read(hops)).toBeUndefined())).toBeLessThan(500);
    }
    const many = (length: number) => ["203.0.113.9", ...Array.from({ length }, () => "10.1.1.1")];
    expect(read(write(many(31)))).toBe("203.0.113.9");
    expect(read(write(many(32)))).toBeUndefined();
  });
});

describe("Forwarded", () => {
  test.each([
    ["for=203.0.113.9", "203.0.113.9"],
    ["FOR=203.0.113.9", "203.0.113.9"],
    ['for="203.0.113.9"', "203.0.113.9"],
    ["for=203.0.113.9:80", "203.0.113.9"],
    ["by=10.0.0.1;for=203.0.113.9;host=x;proto=http", "203.0.113.9"],
    ["proto=http ; for=203.0.113.9", "203.0.113.9"],
    ["for=203.0.113.9,for=10.1.1.1", "203.0.113.9"],
    ['for=1.2.3.4;ext="a, for=5.6.7.8", for=203.0.113.9', "203.0.113.9"],
    ['for="\\2\\0\\3.0.113.9"', "203.0.113.9"],
  ])("%s", (value, client) => {
    expect(forwarded(value)).toBe(client);
  });

  test.each([
    ["no pair", "203.0.113.9"],
    ["no value", "for="],
    ["a space before the sign", "for =203.0.113.9"],
    ["a space behind the sign", "for= 203.0.113.9"],
    ["an element of other things", "proto=https"],
    ["an element of other things behind", "for=203.0.113.9, proto=https"],
    ["two of a kind", "for=203.0.113.9;for=198.51.100.1"],
    ["an empty element", "for=203.0.113.9,"],
    ["an empty pair", "for=203.0.113.9;"],
    ["an open quote", 'for="203.0.113.9'],
    ["an open quote that swallows what a proxy wrote", 'for=1.2.3.4;x=", for=203.0.113.9'],
    ["quotes that swallow what a proxy wrote", 'for=1.2.3.4;x=", for="203.0.113.9"'],
    ["a quote within", 'for=2"03.0.113.9'],
    ["something behind a quote", 'for="203.0.113.9"x'],
    ["a line's end", "for=203.0.113.9\n"],
  ])("%s tells nothing", (_, value) => {
    expect(forwarded(value)).toBeUndefined();
  });

  test("nothing that a caller writes before it hides or replaces what the proxy wrote", () => {
    const text = fc.string({ unit: fc.constantFrom(...'for=;," \\[]:.x1_-@') });
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (before) => {
        expect(["203.0.113.9", undefined]).toContain(forwarded([before, "for=203.0.113.9"]));
        expect(["203.0.113.9", undefined]).toContain(forwarded([before, 'for="203.0.113.9:80"']));
        expect(["203.0.113.9", undefined]).toContain(list([before, "203.0.113.9"]));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("both headers", () => {
  test("that agree", () => {
    const headers = { forwarded: "for=203.0.113.9", "x-forwarded-for": "198.51.100.1, 203.0.113.9" };
    expect(asks(headers)).toBe("203.0.113.9");
  });

  test.each([
    ["the one that the proxy passes on", { forwarded: "for=198.51.100.1", "x-forwarded-for": "203.0.113.9" }],
    ["one that cannot be read", { forwarded: "nonsense", "x-forwarded-for": "203.0.113.9" }],
    ["the other one that cannot", { forwarded: "for=203.0.113.9", "x-forwarded-for": "" }],
  ])("that disagree: %s", (_, headers) => {
    expect(asks(headers)).toBeUndefined();
  });
});

test("what is found is an address, as a foreign reader of addresses reads it", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  fc.assert(
    fc.property(address, (written) => {
      const found = list(written);
      if (found === undefined) return; // a spelling that is two addresses to two readers
      expect(ipaddr.process(found ?? "").toNormalizedString()).toBe(
        ipaddr.process(written).toNormalizedString(),
      );
    }),
  );
});

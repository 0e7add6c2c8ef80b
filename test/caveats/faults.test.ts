import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { compileCaveat } from "../../src/caveats/condition.ts";
import { attributeFault, caveatFault, nameFault } from "../../src/caveats/fault.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { doubts } from "../../src/caveats/together/doubts.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { processorTime } from "../support/processor-time.ts";
import { anyText, caveat } from "./arbitraries.ts";
import { readFaults } from "./faults.ts";

describe("a text that is no caveat", () => {
  test.each(readFaults())("$text", ({ text, fault }) => {
    expect(caveatFault(text)).toBe(fault);
  });

  test("has a fault if and only if it does not parse", () => {
    fc.assert(
      fc.property(fc.oneof(anyText, caveat.map(printCaveat)), (text) => {
        expect(caveatFault(text) === undefined).toBe(parseCaveat(text) !== undefined);
      }),
    );
  });

  test("is cured by what stands behind the last colon, wherever the rule ends with a caveat", () => {
    const cures = readFaults().flatMap(
      ({ fault }) => /: (?!behind)((?:when )?[\w.]+ (?:[<>=!]+|in) .+)$/.exec(fault)?.[1] ?? [],
    );
    expect(cures.length).toBeGreaterThan(20);
    for (const cure of cures) expect(caveatFault(cure)).toBeUndefined();
  });

  test("that looks like a token is not repeated", () => {
    for (const fault of [caveatFault, nameFault, attributeFault]) {
      expect(fault(`AgE${"x".repeat(200)}=`)).not.toContain("xxx");
    }
  });

  test("is looked at in linear time", () => {
    for (const text of [
      "a".repeat(60_000),
      " ".repeat(60_000),
      "a ".repeat(30_000),
      `a < ${"1_".repeat(30_000)}`,
      "if a = b then ".repeat(4_000),
      `a < ${" when a".repeat(8_000)}`,
      `when a in ${"b ,".repeat(20_000)} then x<1`,
    ]) {
      expect(processorTime(() => caveatFault(text))).toBeLessThan(500);
    }
  });
});

test.each([
  ["action = read", '"action = read" is no name: it reads like a caveat, did you forget the name?'],
  ["amount<10", '"amount<10" is no name: it reads like a caveat, did you forget the name?'],
  [
    "my agent",
    '"my agent" is no name: a name is 1 to 128 letters, digits and . _ : / @ -, with #INSTANCE behind it or not',
  ],
])("the name %s", (text, fault) => {
  expect(nameFault(text)).toBe(fault);
});

describe("what is legal and probably not meant", () => {
  const NOW = instantFromMilliseconds(Date.UTC(2026, 10, 27));
  const told = (...texts: string[]) => doubts(texts.map(compileCaveat), NOW);

  test.each<[string[], string]>([
    [["amount <= 10", "args.amount <= 5"], '"amount <= 10": amount is another attribute than args.amount'],
    [["acton = read"], '"acton = read": did you mean action?'],
    [["Tool = search"], '"Tool = search": did you mean tool?'],
    [
      ["resource matches repo:acme"],
      '"resource matches repo:acme": matches without * takes that one value: behind it, /* is one level more and /** all below',
    ],
    [
      ["expires < 2027-01-01T00:00:00Z"],
      '"expires < 2027-01-01T00:00:00Z": expires is what a call says of itself: the clock is time',
    ],
    [["time < 2026-01-01T00:00:00Z"], '"time < 2026-01-01T00:00:00Z": is in the past, so nothing passes'],
    [
      ["action in [read, list]"],
      '"action in [read, list]": the brackets are a part of the items: write the list without them',
    ],
    [
      ['action = "read"'],
      '"action = \\"read\\"": = takes the quotes as a part of the value: write it without',
    ],
    [["action = read, list"], '"action = read, list": = takes one value with its commas: write action in …'],
    [
      ["tool in search, pay", "args.amount <= 40"],
      '"args.amount <= 40": limits every tool, and refuses calls without args.amount. For one alone: when tool = search then …',
    ],
    [
      ["args.to = acme when tool = pay"],
      '"args.to = acme when tool = pay": = takes all that stands behind it as the value: for some calls alone, begin with when … then',
    ],
    [
      ["when tool = pay* then args.amount <= 40"],
      '"when tool = pay* then args.amount <= 40": behind when, * is a character like others: name each value, with in',
    ],
    [
      ["tool in search, pay", "when tool in payment, wire then args.amount <= 40"],
      '"when tool in payment, wire then args.amount <= 40": limits nothing, since the token allows no such tool: it allows search or pay',
    ],
    [["when tol = pay then x = 1"], '"when tol = pay then x = 1": did you mean tool?'],
    [
      ["when tool = pay then resource matches repo:acme"],
      '"when tool = pay then resource matches repo:acme": matches without * takes that one value: behind it, /* is one level more and /** all below',
    ],
    [["resource = repo:**"], '"resource = repo:**": = takes * as itself: write resource matches …'],
  ])("%j", (texts, doubt) => {
    expect(told(...texts)).toEqual([doubt]);
  });

  test.each([
    ["action in read, list", "args.amount <= 10", "tool = search", "time < 2027-01-01T00:00:00Z"],
    ["resource matches repo:acme/**", "args.due < 2027-01-01T00:00:00Z", "ip within 10.0.0.0/8"],
    ["account = 1", "option in a, b", "park = x"],
    [
      "tool in search, pay",
      "when tool = pay then args.amount <= 40",
      "when tool in pay, wire then args.to = a",
    ],
    ["tool = pay", "args.amount <= 40"],
    ["tool in search, 01", "when tool = 1 then args.amount <= 40"],
  ])("of %s nothing is said", (...texts) => {
    expect(told(...texts)).toEqual([]);
  });

  test("the past is said of a chain that is being written alone", () => {
    expect(doubts([compileCaveat("time < 2026-01-01T00:00:00Z")])).toEqual([]);
  });

  test("is told in a few lines of any chain", () => {
    fc.assert(
      fc.property(fc.array(caveat, { maxLength: 30 }), (chain) => {
        expect(doubts(chain.map(printCaveat).map(compileCaveat), NOW).length).toBeLessThan(9);
      }),
    );
  });
});

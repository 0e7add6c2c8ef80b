/** The doubts that the writer of a chain is told: it is legal, and was probably not meant. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { compileCaveat } from "../../src/caveats/condition.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { doubts } from "../../src/caveats/together/doubts.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { caveat } from "./arbitraries.ts";

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
    [["action != a, b"], '"action != a, b": != takes one value with its commas: write action not in …'],
    [['action != "a"'], '"action != \\"a\\"": != takes the quotes as a part of the value: write it without'],
    [['x = ""'], '"x = \\"\\"": = takes the quotes as a part of the value: write it without'],
    [
      ['when tool = "\\"pay\\"" then x = 1'],
      '"when tool = \\"\\\\\\"pay\\\\\\"\\" then x = 1": = takes the quotes as a part of the value: write it without',
    ],
    [
      ["when tool in [a, b] then x = 1"],
      '"when tool in [a, b] then x = 1": the brackets are a part of the items: write the list without them',
    ],
    [
      ["when tool in wire, pay* then x = 1"],
      '"when tool in wire, pay* then x = 1": behind when, * is a character like others: name each value, with in',
    ],
    [
      ["tool = search", "when tool = pay then x = 1"],
      '"when tool = pay then x = 1": limits nothing, since the token allows no such tool: it allows search',
    ],
    [
      ["tool in web search, pay", "args.amount <= 40"],
      '"args.amount <= 40": limits every tool, and refuses calls without args.amount. For one alone: when tool = "web search" then …',
    ],
    [
      ["action in [read, list, write]"],
      '"action in [read, list, write]": the brackets are a part of the items: write the list without them',
    ],
    [["a.b.amount = 1", "b.amount = 1"], '"b.amount = 1": b.amount is another attribute than a.b.amount'],
    [
      ["amount = 1", "args.amount = 1", "cost.amount = 1"],
      '"amount = 1": amount is another attribute than args.amount',
    ],
    [["Args.amount = 1"], '"Args.amount = 1": did you mean args?'],
    [["time < 2026-11-27T00:00:00Z"], '"time < 2026-11-27T00:00:00Z": is in the past, so nothing passes'],
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
    ["tool in search, fetch", "when action = pay then args.amount <= 40"],
    ["tool in search, fetch", "pay.args.amount <= 40"],
    ["action in a[b, c]", "resource in [b, c]d", "x in [b, c", "y in b, c)"],
    ['x = a "b"', 'y = "a" b'],
    ["tool != a*", "x not in b*"],
    ["x = when we can", "y = now and then", "z = a,b"],
    ["expires < 5", "x < 2027-01-01T00:00:00Z"],
    ["amount = 1", "other = 2", "x.y = amount"],
    ["amount = 1", "xamount = 2"],
    ["acting = 1", "axn = 1", "acts.x.y = 1"],
    ["time > 2026-01-01T00:00:00Z", "time < 2026-11-27T00:00:01Z"],
  ])("of %s nothing is said", (...texts) => {
    expect(told(...texts)).toEqual([]);
  });

  test.each([
    ["acton", "action"],
    ["aciton", "action"],
    ["actions", "action"],
    ["ACTION", "action"],
    ["resourse", "resource"],
    ["tol", "tool"],
    ["meth0d", "method"],
    ["pat", "path"],
    ["arg", "args"],
  ])("%s is nearly %s", (name, common) => {
    expect(told(`${name} = x`)).toEqual([`"${name} = x": did you mean ${common}?`]);
  });

  test.each(["(", "[", "{"].flatMap((open) => [")", "]", "}"].map((close) => [open, close])))(
    "of a list in %s and %s it is said that it is none",
    (open, close) => {
      const text = `action in ${open}read, list${close}`;
      expect(told(text)).toEqual([
        `"${text}": the brackets are a part of the items: write the list without them`,
      ]);
    },
  );

  test.each(["when", "if", "unless", "then"])("%s in a value is no condition", (word) => {
    const text = `args.to = acme ${word} tool is pay`;
    expect(told(text)).toEqual([
      `"${text}": = takes all that stands behind it as the value: for some calls alone, begin with when … then`,
    ]);
  });

  test.each([
    ...[
      "exp",
      "expire",
      "expires",
      "expiry",
      "expiration",
      "expire_at",
      "expires_at",
      "expiresAt",
      "expireat",
    ],
    ...["valid_until", "validUntil", "not_after", "notafter", "until", "EXP"],
  ])("%s most likely means the clock", (name) => {
    expect(told(`${name} < 2027-01-01T00:00:00Z`)).toEqual([
      `"${name} < 2027-01-01T00:00:00Z": ${name} is what a call says of itself: the clock is time`,
    ]);
  });

  test.each(["expo", "my_exp", "until_x", "x_until", "args.until", "valid", "expires__at"])(
    "%s may mean another",
    (name) => {
      expect(told(`${name} < 2027-01-01T00:00:00Z`)).toEqual([]);
    },
  );

  test("no more than eight are told", () => {
    const many = Array.from({ length: 12 }, (_, index) => `x${index} = a, b`);
    const first = many.slice(0, 8).map((text) => expect.stringContaining(`"${text}"`));
    expect(told(...many)).toEqual(first);
    expect(told(...many, "time < 2026-01-01T00:00:00Z")).toEqual(first);
  });

  test("whether a limit on some tools limits nothing is not said once it takes too long to know", () => {
    const idle = (guard: string) => `when tool = ${guard} then x = 1`;
    // Reading this in every way takes a thirtieth of the allowance. All of them are shown alike.
    const long = Array.from({ length: 40 }, (_, index) => idle(`${"é".repeat(4_000)}${index}`));
    const limits = (text: string) =>
      told("tool = search", text)
        .concat(told("tool = search", ...long, text))
        .filter((doubt) => doubt.includes("wire"));
    expect(limits(idle("wire"))).toEqual([
      '"when tool = wire then x = 1": limits nothing, since the token allows no such tool: it allows search',
    ]);
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

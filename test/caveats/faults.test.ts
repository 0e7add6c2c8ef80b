import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { attributeFault, caveatFault, nameFault } from "../../src/caveats/fault.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { processorTime } from "../support/processor-time.ts";
import { anyText, caveat } from "./arbitraries.ts";
import { readFaults } from "./faults.ts";

describe("a text that is no caveat", () => {
  test.each(readFaults())("$text", ({ text, fault }) => {
    expect(caveatFault(text)).toBe(fault);
  });

  test.each([
    ...["=", "!=", "<", "<=", ">", ">="].map((sign) => [sign, sign, "one space on each side of"]),
    ["==", "=", "the operator is"],
    ["=<", "<=", "the operator is"],
    ["=>", ">=", "the operator is"],
    ["<>", "!=", "the operator is"],
    ["≤", "<=", "the operator is"],
    ["≥", ">=", "the operator is"],
    ["≠", "!=", "the operator is"],
  ])("with %s for %s", (sign, operator, rule) => {
    expect(caveatFault(`amount${sign}10`)).toBe(
      `"amount${sign}10": ${rule} ${operator}: amount ${operator} 10`,
    );
  });

  test.each([
    ["is not", "!="],
    ["is one of", "in"],
    ["is in", "in"],
    ["one of", "in"],
    ["less than", "<"],
    ["more than", ">"],
    ["at most", "<="],
    ["at least", ">="],
    ["up to", "<="],
    ["below", "<"],
    ["under", "<"],
    ["before", "<"],
    ["above", ">"],
    ["over", ">"],
    ["after", ">"],
    ["is", "="],
    ["equals", "="],
    ["like", "matches"],
    ["Matches", "matches"],
    ["Not In", "not in"],
    ["In", "in"],
  ])("with %j for %s", (word, operator) => {
    expect(caveatFault(`amount ${word} 10`)).toBe(
      `"amount ${word} 10": the operator is ${operator}: amount ${operator} 10`,
    );
  });

  test.each([
    ["not in", "x"],
    ["matches", "x"],
    ["in", "x"],
    ["within", "10.0.0.0/8"],
  ])("with two spaces before %s", (operator, value) => {
    expect(caveatFault(`ip  ${operator} ${value}`)).toBe(
      `"ip  ${operator} ${value}": one space on each side of ${operator}: ip ${operator} ${value}`,
    );
  });

  test.each([
    ...["s", "sec", "secs", "second", "seconds"].map((unit) => [unit, "s"]),
    ...["m", "min", "mins", "minute", "minutes"].map((unit) => [unit, "m"]),
    ...["h", "hour", "hours", "d", "day", "days"].map((unit) => [unit, unit.charAt(0)]),
  ])("with a rate per %s", (unit, window) => {
    expect(caveatFault(`rate = 20 per ${unit}`)).toBe(
      `"rate = 20 per ${unit}": rate takes <= and calls a second, minute, hour or day: rate <= 20/${window}`,
    );
  });

  test.each([
    ["$10", "10"],
    ["€ 10", "10"],
    ["£10", "10"],
    ["+10", "10"],
    ["$ -10.50", "-10.50"],
    ["10EUR", "10"],
    ["10 $", "10"],
    ["10€", "10"],
    ["10 £", "10"],
    ["5%", "5"],
    ["1'000'000", "1000000"],
    ["1_000.50 eur", "1000.50"],
  ])("with the amount %s", (amount, decimal) => {
    expect(caveatFault(`amount <= ${amount}`)).toBe(
      `"amount <= ${amount}": a decimal stands without sign, unit or separators: amount <= ${decimal}`,
    );
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

  test("of a hundred characters in a row, as tokens have them, is not repeated, and of fewer is", () => {
    for (const fault of [caveatFault, nameFault, attributeFault]) {
      expect(fault(`a ${"x".repeat(100)}`)).toMatch(/^that looks like a token and not like an? \w+: an? /);
      expect(fault(`a ${"x".repeat(99)}`)).toMatch(/^"a xxx/);
      expect(fault(`? ${"?".repeat(100)}`)).toMatch(/^"\? \?\?\?/);
    }
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
  [" amount<10", '" amount<10" is no name: it reads like a caveat, did you forget the name?'],
  [
    "when tool = pay then x = 1",
    '"when tool = pay then x = 1" is no name: it reads like a caveat, did you forget the name?',
  ],
])("the name %s", (text, fault) => {
  expect(nameFault(text)).toBe(fault);
});

test.each(["a", "_", "Z9", "a-", "a.b", "a.b1", "_a.b.c-d_2"])("%s is an attribute", (text) => {
  expect(attributeFault(text)).toBeUndefined();
});

test.each(["", "1a", "-a", "a.", ".a", "a..b", "a.1b", "a.-b", "a b", "é", "a.é", "a =", "= a"])(
  "%j is no attribute",
  (text) => {
    expect(attributeFault(text)).toBe(
      `"${text}" is no attribute: an attribute is names with dots between them, each a letter or _ and then letters, digits, _ or -, such as args.amount`,
    );
  },
);

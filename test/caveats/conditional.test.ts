/** `when A = v then T`: that it is its definition, and what a call that it limits is told. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { compileCaveat } from "../../src/caveats/condition.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { newWork } from "../../src/caveats/values/work.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject } from "../../src/json/value.ts";
import { processorTime } from "../support/processor-time.ts";
import { vectorsOf } from "../vectors/files.ts";
import { smallConditional, smallContext } from "./arbitraries.ts";
import { clearTexts } from "./texts.ts";

const NOW = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");
const LIMIT = "args.amount <= 40";

function context(text: string): JsonObject {
  const value = parseJson(text);
  return value instanceof Map ? value : expect.fail("no object");
}

function failures(caveat: string, members: JsonObject, work = newWork()) {
  return clearTexts([caveat], { now: NOW, context: members, macaroon: "root" }, work).failures;
}

const passes = (caveat: string, members: JsonObject) => failures(caveat, members).length === 0;

describe("a conditional caveat", () => {
  test("passes exactly where the opposite of its first part does, or its second part", () => {
    const seen = { exempt: 0, kept: 0, refused: 0 };
    fc.assert(
      fc.property(smallConditional, smallContext, ({ attribute, values, test: limit }, members) => {
        const list = values.join(", ");
        const exempt = passes(`${attribute} not in ${list}`, members);
        const kept = passes(limit, members);
        expect(passes(`when ${attribute} in ${list} then ${limit}`, members)).toBe(exempt || kept);
        const [value] = values;
        const single = passes(`${attribute} != ${value}`, members) || kept;
        expect(passes(`when ${attribute} = ${value} then ${limit}`, members)).toBe(single);
        seen[exempt ? "exempt" : kept ? "kept" : "refused"]++;
      }),
      { numRuns: 5_000 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });

  describe.each(vectorsOf("conditional.json"))("$text", ({ text, canonical, passes: yes, fails: no }) => {
    test("is read and printed as it should be", () => {
      const read = parseCaveat(text);
      expect(read === undefined ? null : printCaveat(read)).toBe(canonical);
      if (canonical !== null) expect(parseCaveat(canonical)).toStrictEqual(read);
    });

    test("lets pass what it should", () => {
      for (const call of yes) expect(failures(text, context(call)), call).toEqual([]);
      const code = canonical === null ? "caveat_unknown" : "caveat_failed";
      for (const call of no) expect(failures(text, context(call)), call).toMatchObject([{ code }]);
    });
  });

  test.each<[string, string, string]>([
    [
      `when tool = pay then ${LIMIT}`,
      '{"tool":"pay","args":{"amount":250}}',
      "on pay: args.amount is 250, at most 40",
    ],
    [`when tool = pay then ${LIMIT}`, '{"tool":"pay"}', "on pay: args.amount is missing, at most 40"],
    [
      "when action in pay, refund then args.to = acme",
      '{"action":"refund","args":{"to":"mallory"}}',
      'on refund: args.to is "mallory", only acme',
    ],
    [
      "when args.currency = EUR then args.amount < 5",
      '{"args":{"currency":"EUR","amount":5}}',
      "with args.currency EUR: args.amount is 5, less than 5",
    ],
    [
      `when tool = pay then ${LIMIT}`,
      '{"tool":["search","pay"],"args":{"amount":250}}',
      "on pay: args.amount is 250, at most 40",
    ],
    [
      `when tool in pay, refund then ${LIMIT}`,
      '{"args":{"amount":250}}',
      "tool is missing, as if it were pay or refund: args.amount is 250, at most 40",
    ],
    [
      `when tool = pay then ${LIMIT}`,
      '{"tool":[]}',
      "tool is an empty list, as if it were pay: args.amount is missing, at most 40",
    ],
    [
      "when account = 100 then action = read",
      '{"account":"0100","action":"write"}',
      'account is "0100", as if it were 100: action is "write", only read',
    ],
    [
      'when tool = "pay, or not" then x = 1',
      '{"tool":"pay, or not"}',
      'on "pay, or not": x is missing, only 1',
    ],
    ['when tool = "a\u202eb" then x = 1', '{"tool":"a\u202eb"}', 'on "a\\u{202e}b": x is missing, only 1'],
  ])("%s says of %s: %s", (caveat, call, detail) => {
    expect(failures(caveat, context(call))).toMatchObject([{ code: "caveat_failed", detail }]);
  });

  test("that cannot be checked for want of work refuses", () => {
    const members = context('{"tool":"search","args":{"amount":1}}');
    for (const caveat of [`when tool = pay then ${LIMIT}`, "when tool in pay, refund then tool = search"]) {
      for (let allowance = 0; allowance < 150; allowance++) {
        expect(failures(caveat, members, newWork(allowance)), `${allowance}`).toHaveLength(1);
      }
      expect(failures(caveat, members, newWork(1_000))).toEqual([]);
    }
  });

  test("nested however deep is no caveat, and takes linear time", () => {
    const spent = processorTime(() => {
      for (const part of ["when a = b then ", 'when a in "b", ', "when a = then "]) {
        expect(compileCaveat(`${part.repeat(60_000)}x = 1`).state).toBe("unknown");
      }
    });
    expect(spent).toBeLessThan(5_000);
  });
});

/** The sentences of refusals that no row of cases.json reaches. */
import { describe, expect, test } from "vitest";
import { isBudget } from "../../src/caveats/caveat.ts";
import type { Facts } from "../../src/caveats/clear.ts";
import { explainBudget } from "../../src/caveats/explain.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { instantFromMilliseconds } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import { clearTexts } from "./texts.ts";

function detailOf(caveat: string | readonly string[], context = "{}", facts: Partial<Facts> = {}) {
  const members = parseJson(context);
  if (!(members instanceof Map)) return expect.fail("no object");
  const now = instantFromMilliseconds(0);
  const { failures } = clearTexts([caveat].flat(), { now, context: members, macaroon: "root", ...facts });
  return failures[0]?.detail;
}

test.each([
  ["spend.EUR <= 40", undefined, "cost.EUR is 50.5, the token allows at most 40 EUR in all, and 12 is left"],
  ["uses <= 3", undefined, "the token allows at most 3 times in all, and nothing is left"],
  ["rate <= 0/m", undefined, "the token allows at most 0 times a minute, and nothing is left"],
  ["rate <= 5/s", 1, "the token allows at most 5 times a second, and has room again in 1 second"],
  ["rate <= 1/h", 2, "the token allows at most once an hour, and has room again in 2 seconds"],
  ["rate <= 9/d", 0, "the token allows at most 9 times a day, and has room again in 0 seconds"],
])("%s with room in %s seconds would not do: %s", (text, retryAfter, detail) => {
  const caveat = parseCaveat(text);
  if (caveat === undefined || !isBudget(caveat)) return expect.fail("no budget");
  expect(explainBudget(caveat, "50.5", "12", retryAfter)).toBe(detail);
});

test.each(["uses <= 3", "rate <= 5/m", "spend.EUR <= 40"])("%s says that nobody counts", (text) => {
  const [name] = text.split(/[ .]/, 1);
  expect(detailOf(text)).toBe(
    `${name} is a budget, and calls of this kind are not counted: only verify counts`,
  );
});

test.each([
  ["client = app", "client is known only among the caveats that a token was issued with"],
  ["time", "time belongs to the service, which does not know this caveat on it"],
  ["spend.EUR = 1", "spend belongs to the service, which does not know this caveat on it"],
  ["rate<=5/m", "rate belongs to the service, which does not know this caveat on it"],
  [" time < x", "the caveat is not one that this service knows"],
  ["time-before x", "the caveat is not one that this service knows"],
  ["time_ < x", "the caveat is not one that this service knows"],
  ["time9 x", "the caveat is not one that this service knows"],
  ["", "the caveat is not one that this service knows"],
])("the unknown caveat %j: %s", (text, detail) => {
  expect(detailOf(text)).toBe(detail);
});

test.each([
  [1, "once"],
  [2, "twice"],
  [3, "3 times"],
])("hand-overs are counted in words: %i", (count, said) => {
  const chain = ["depth <= 0", ...Array(count).fill("agent = a")];
  expect(detailOf(chain)).toBe(`the token was handed on ${said} after this caveat, the token allows none`);
});

describe("the value that was seen", () => {
  const FORTY = "1".repeat(41);

  test.each([
    ["x = a", '{"x":false}', "x is false, the token allows only a"],
    ["x = a", '{"x":true}', "x is true, the token allows only a"],
    ["x = a", '{"x":null}', "x is null, the token allows only a"],
    ["x = a", '{"x":{}}', "x is an object, the token allows only a"],
    ["x = a", '{"x":[[]]}', "x holds a list, the token allows only a"],
    ["x = a", `{"x":${FORTY}}`, `x is ${FORTY} (more than 40 digits), the token allows only a`],
    ["x < 5", `{"x":"${FORTY}"}`, `x is "${FORTY}" (more than 40 digits), the token allows less than 5`],
    ["x < 5", '{"x":"a"}', 'x is "a" (not a decimal), the token allows less than 5'],
    [
      "x < 2026-01-01T00:00:00Z",
      '{"x":"2026"}',
      'x is "2026" (not an RFC 3339 time), the token allows before 2026-01-01T00:00:00Z',
    ],
    [
      "x within ::/0",
      '{"x":"localhost"}',
      'x is "localhost" (not an address), the token allows only addresses within ::/0',
    ],
    [
      "x != a",
      `{"x":"a${"\u0301".repeat(31)}"}`,
      `x is "a${"\u0301".repeat(31)}" (too many combining marks in a row), the token allows anything but a`,
    ],
    [
      "x matches a/*",
      '{"x":"a/"}',
      'x is "a/" (has an empty segment), the token allows only what matches a/*',
    ],
    [
      "x matches a/*",
      '{"x":"a/.."}',
      'x is "a/.." (has a "." or ".." segment), the token allows only what matches a/*',
    ],
    ["x matches a/*", '{"x":5}', "x is 5, the token allows only what matches a/*"],
    [
      "args.to.name = a",
      '{"args":[{"to":1}]}',
      "args.to.name is missing (args is a list), the token allows only a",
    ],
    [
      "args.to.name = a",
      '{"args":{"to":[]}}',
      "args.to.name is missing (args.to is a list), the token allows only a",
    ],
    ["args.to.name = a", '{"args":{"to":"a"}}', "args.to.name is missing, the token allows only a"],
    ["args.to.name = a", '{"args":"x","to":[]}', "args.to.name is missing, the token allows only a"],
  ])("%s with %s: %s", (caveat, context, detail) => {
    expect(detailOf(caveat, context)).toBe(detail);
  });

  test("is cut where it is long, and so is a name", () => {
    const digits = `1${"0".repeat(99)}`;
    expect(detailOf("x < 5", `{"x":${digits}}`)).toBe(
      `x is ${digits.slice(0, 80)}… (more than 40 digits), the token allows less than 5`,
    );
    const name = "n".repeat(81);
    expect(detailOf(`${name} = 1`)).toBe(`${name.slice(0, 80)}… is missing, the token allows only 1`);
  });

  test("and the sides of a bound that would have passed", () => {
    const bounds = (operator: string) => [
      detailOf(`x ${operator} 5`),
      detailOf(`x ${operator} 2026-01-01T00:00:00Z`),
    ];
    const missing = (text: string) => `x is missing, the token allows ${text}`;
    expect(["<", "<=", ">", ">="].map(bounds)).toEqual([
      [missing("less than 5"), missing("before 2026-01-01T00:00:00Z")],
      [missing("at most 5"), missing("no later than 2026-01-01T00:00:00Z")],
      [missing("more than 5"), missing("after 2026-01-01T00:00:00Z")],
      [missing("at least 5"), missing("no earlier than 2026-01-01T00:00:00Z")],
    ]);
  });
});

/** The number from which a summary counts, and its form for people who decide by it. */
import { describe, expect, test } from "vitest";

import { type Condition, compileCaveat, thirdParty } from "../../src/caveats/condition.ts";
import { summarise, summariseLimits } from "../../src/caveats/together/summary.ts";
import { summaryParts, verifiedText } from "../../src/caveats/together/summary-parts.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { compiled } from "./texts.ts";

const NOW = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");
const LINK = "AAECAwQFBgcICQoLDA0ODw";

describe("a summary counts what it does not spell out", () => {
  const many = (count: number) => compiled(Array.from({ length: count }, (_, index) => `x${index} = 1`));
  const said = (count: number) => Array.from({ length: count }, (_, index) => `x${index} only 1`).join(", ");

  test.each([
    [24, `Conditions: ${said(24)}.`],
    // One more is said, since counting it would take as much room.
    [25, `Conditions: ${said(25)}.`],
    [26, `Conditions: ${said(24)}, 2 more conditions.`],
  ])("of %i", (count, summary) => {
    expect(summarise(many(count))).toBe(summary);
  });

  test("and not who holds the token, nor that it will be refused", () => {
    const chain = [...many(30), ...compiled(["depth <= 1", "agent = a", "what"])];
    expect(summarise(chain)).toBe(
      `Conditions: ${said(24)}, 6 more conditions, handed on to a, may not be handed on, and 1 condition that this service does not know, so it will be refused.`,
    );
  });

  test.each([
    [5, "Handed on to a0, then a1, then a2, then a3, then a4."],
    [6, "Handed on to 1 agent, then a1, then a2, then a3, then a4, then a5."],
    [7, "Handed on to 2 agents, then a2, then a3, then a4, then a5, then a6."],
  ])("of %i agents", (count, summary) => {
    expect(summarise(compiled(Array.from({ length: count }, (_, index) => `agent = a${index}`)))).toBe(
      summary,
    );
  });
});

test.each([
  ["time < 2026-11-20T11:59:59.9Z", "Expired at 2026-11-20 11:59:59 UTC."],
  ["time < 2026-11-20T12:00:00Z", "Expired at 2026-11-20 12:00 UTC."],
  ["time < 2026-11-20T12:00:00.1Z", "Until 2026-11-20 12:00 UTC."],
  ["time < 2026-11-20T12:00:01Z", "Until 2026-11-20 12:00:01 UTC."],
])("at noon, %s: %s", (text, summary) => {
  expect(summarise(compiled([text]), { now: NOW })).toBe(summary);
});

test.each([
  ["time < 2026-11-20T14:00:01Z", "time < 2026-11-20T14:00:00Z", "Until 2026-11-20 14:00 UTC."],
  ["time < 2026-11-20T14:00:00Z", "time < 2026-11-20T14:00:01Z", "Until 2026-11-20 14:00 UTC."],
  ["time > 2026-11-20T14:00:01Z", "time > 2026-11-20T14:00:00Z", "Only after 2026-11-20 14:00:01 UTC."],
  ["time > 2026-11-20T14:00:00Z", "time > 2026-11-20T14:00:01Z", "Only after 2026-11-20 14:00:01 UTC."],
])("of %s and %s the narrower is said", (one, other, summary) => {
  expect(summarise(compiled([one, other]))).toBe(summary);
});

test.each([
  ["depth <= 0", "May not be handed on."],
  ["depth <= 1", "May be handed on once more."],
  ["depth <= 2", "May be handed on twice more."],
  ["depth <= 3", "May be handed on 3 times more."],
])("%s: %s", (text, summary) => {
  expect(summarise(compiled([text]))).toBe(summary);
});

test("the rest of a budget is said with it, where it is known", () => {
  const left = (text: string, rest: string): Condition =>
    ({ ...compileCaveat(text), left: rest }) as Condition;
  expect(
    summarise([left("uses <= 3", "2"), left("spend.EUR <= 40", "12.5"), compileCaveat("rate <= 5/m")]),
  ).toBe("At most 3 times in all, 2 left, at most 40 EUR in all, 12.5 left, at most 5 times a minute.");
  expect(summarise([left("uses <= 3", "2"), left("uses <= 3", "2"), left("uses <= 3", "1")])).toBe(
    "At most 3 times in all, 2 left, at most 3 times in all, 1 left.",
  );
});

test("whoever decides by it reads no word of an author's without quotes", () => {
  const chain = [
    ...compiled([
      "time < 2026-11-20T14:00:00Z",
      "action in read, 5",
      "note = fine",
      "args.amount <= 40",
      "args.currency = EUR",
      "when tool = pay then x = y",
      "spend.EUR <= 40",
      "spend.tokens <= 5",
    ]),
    thirdParty("https://auth.example"),
    thirdParty(""),
  ];
  const common = "Until 2026-11-20 14:00 UTC, ";
  expect(summarise(chain, { quoted: true })).toBe(
    `${common}action only "read" or 5, "note" only "fine", args.amount at most 40, args.currency only "EUR", "x" only "y" if tool is "pay" (else this limits nothing), at most 40 EUR in all, at most 5 "tokens" in all, only with a proof from "https://auth.example", only with a proof from elsewhere.`,
  );
  expect(summarise(chain)).toBe(
    `${common}only read or 5, at most 40 EUR a call, note only fine, x only y if tool is pay, at most 40 EUR in all, at most 5 tokens in all, only with a proof from https://auth.example, only with a proof from elsewhere.`,
  );
});

test.each([
  [["x < 5", "x <= 5"], "x less than 5"],
  [["x <= 5", "x < 5", "x <= 6"], "x less than 5"],
  [["x > 5", "x >= 5", "x >= 4"], "x more than 5"],
  [["x >= 5", "x > 5"], "x more than 5"],
  [["x > 4", "x >= 5", "x <= 9", "x <= 8"], "x at least 5 and at most 8"],
  [["x < 2027-01-01T00:00:00Z", "x < 2026-01-01T00:00:00Z"], "x before 2026-01-01T00:00:00Z"],
  [["x < 2026-01-01T00:00:00Z", "x < 2027-01-01T00:00:00Z"], "x before 2026-01-01T00:00:00Z"],
  [["x > 2026-01-01T00:00:00Z", "x > 2027-01-01T00:00:00Z"], "x after 2027-01-01T00:00:00Z"],
  [["x < 5", "x < 2026-01-01T00:00:00Z"], "x less than 5 and before 2026-01-01T00:00:00Z"],
])("of %j the narrowest is said: %s", (texts, said) => {
  expect(summarise(compiled(texts))).toBe(`Conditions: ${said}.`);
});

test("of many alternatives, in quotes or not, the first eight are said", () => {
  const items = Array.from({ length: 10 }, (_, index) => index);
  const chain = compiled([`args.to in ${items}`, `when tool in ${items} then args.to = 1`]);
  const said = "0, 1, 2, 3, 4, 5, 6, 7 or 2 more";
  expect(summarise(chain, { quoted: true })).toBe(
    `Conditions: args.to only ${said}, args.to only 1 if tool is ${said} (else this limits nothing).`,
  );
});

test("a limit beside a caveat that nobody knows is still said", () => {
  expect(summarise(compiled(["x = 1", "what"]), { whole: true })).toBe(
    "Conditions: x only 1, and 1 condition that this service does not know, so it will be refused.",
  );
});

test("a proof from one place is asked for once", () => {
  expect(summarise([thirdParty("a"), thirdParty("b"), thirdParty("a")])).toBe(
    "Only with a proof from a, only with a proof from b.",
  );
});

test.each([
  [["approval = a1"], "Granted by the approval a1."],
  [[`ancestor = ${LINK}`, `ancestor = ${LINK}`], `Only for tokens at or below the link ${LINK}.`],
  [["bh.discharge = d1", "action = read"], "Only read."],
  [
    ["approval = a1", "ancestor = AAAAAAAAAAAAAAAAAAAAAA", `ancestor = ${LINK}`, "approval = a2"],
    `Granted by the approval a1, only for tokens at or below the link AAAAAAAAAAAAAAAAAAAAAA, only for tokens at or below the link ${LINK}, granted by the approval a2.`,
  ],
  [
    [`ancestor = ${LINK}`, "approval = a1", "approval = a2"],
    `Only for tokens at or below the link ${LINK}, granted by the approval a1, granted by the approval a2.`,
  ],
  [
    ["aud = a", "client = app"],
    "Only for a, and 1 condition that this service does not know, so it will be refused.",
  ],
])("of a discharge with %j: %s", (texts, summary) => {
  expect(summarise(compiled(texts), { macaroon: "discharge", issued: 2 })).toBe(summary);
});

test.each([
  [["aud in a, b, a", "aud in b, a"], "Only for a or b."],
  [["aud in a, b", "aud in b, c", "aud = c"], "For no resource at all."],
])("of %j it is said: %s", (texts, summary) => {
  expect(summarise(compiled(texts))).toBe(summary);
});

test("limits in numbers alone are said without a word of an author's", () => {
  const texts = ["time < 2026-11-20T14:00:00Z", "action = lure", "depth <= 0", "agent = lure", "rate <= 1/h"];
  expect(summariseLimits(compiled([...texts, "spend.lure <= 1", "lure"]), { now: NOW })).toBe(
    "Until 2026-11-20 14:00 UTC, at most once an hour, was handed on more often than it may, so it will be refused.",
  );
  expect(summariseLimits(compiled(["depth <= 1", "uses <= 3"]))).toBe(
    "At most 3 times in all, may be handed on once more.",
  );
});

describe("the parts of a summary", () => {
  const chain = compiled([
    "action = read",
    "agent = ceo",
    "time < 2026-11-20T14:00:00Z",
    "uses <= 3",
    "agent = cfo",
    "x = 1",
  ]);

  test("stand for their origins, each with its own", () => {
    expect(summaryParts(chain, 2, { now: NOW, whole: true })).toEqual([
      { by: "issued", text: "Only read." },
      { by: "service", text: "Until 2026-11-20 14:00 UTC, at most 3 times in all." },
      { by: "holder", text: "Conditions: x only 1, handed on to ceo, then cfo." },
    ]);
  });

  test("say that nothing is limited where neither the issuer nor a holder did", () => {
    const whole = (...texts: string[]) => summaryParts(compiled(texts), 0, { whole: true })[0]?.text;
    expect(whole("agent = a", "uses <= 3")).toBe("ANYTHING.");
    expect(whole("x = 1")).toBe("No conditions.");
  });

  test("are facts but for the holders'", () => {
    expect(verifiedText(summaryParts(chain, 2, { now: NOW }))).toBe(
      "Only read. Until 2026-11-20 14:00 UTC, at most 3 times in all.",
    );
  });
});

test.each<[readonly string[], string]>([
  [["resource matches /**"], "Only resources matching /**."],
  [["resource matches a*/**"], "Only resources matching a*/**."],
  // In front of the stars, and behind them.
  [["r matches a/**", "r matches a/#b"], "Conditions: r matching a/#b."],
  [["r matches a/#b", "r matches a/**"], "Conditions: r matching a/#b."],
  [["r matches a/**", "r matches a/b"], "Conditions: r matching a/b."],
  [
    ["r matches a/**", "r matches zz*", "r matches a/b*"],
    "Conditions: r matching zz* and at once matching a/b*.",
  ],
  [["resource matches abcdef"], "Only resources matching abcdef."],
  [
    ["args.amount <= 5", "args.amount != 3", "args.amount matches 5*", "args.currency = EUR"],
    "Conditions: args.amount at most 5, args.amount matching 5*, args.amount not 3, args.currency only EUR.",
  ],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency != X", "args.currency matches E*"],
    "Conditions: args.amount at most 5, args.currency only EUR, args.currency matching E*, args.currency not X.",
  ],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency matches E*", "args.currency within ::/0"],
    "Conditions: args.amount at most 5, args.currency only EUR, args.currency matching E*, args.currency within ::/0.",
  ],
  [
    ["r matches a/**", "r matches b/b", "r matches a0"],
    "Conditions: r matching a/** and at once matching b/b and at once matching a0.",
  ],
  [["resource matches a/**", "resource matches a/"], "Only resources under a and at once matching a/."],
  [
    ["args.amount <= 5", "args.amount = 3", "args.currency = EUR"],
    "Conditions: args.amount only 3, args.amount at most 5, args.currency only EUR.",
  ],
  [
    ["args.amount <= 5", "args.amount matches 5*", "args.currency = EUR"],
    "Conditions: args.amount at most 5, args.amount matching 5*, args.currency only EUR.",
  ],
  [
    ["args.amount <= 5", "args.amount within ::/0", "args.currency = EUR"],
    "Conditions: args.amount at most 5, args.amount within ::/0, args.currency only EUR.",
  ],
  [
    ["args.amount < 2027-01-01T00:00:00Z", "args.currency = EUR"],
    "Conditions: args.amount before 2027-01-01T00:00:00Z, args.currency only EUR.",
  ],
  [
    ["args.amount < 2027-01-01T00:00:00Z", "args.amount <= 5", "args.currency = EUR"],
    "Conditions: args.amount before 2027-01-01T00:00:00Z and at most 5, args.currency only EUR.",
  ],
  [["args.amount != 3", "args.currency = EUR"], "Conditions: args.amount not 3, args.currency only EUR."],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency != USD"],
    "Conditions: args.amount at most 5, args.currency only EUR, args.currency not USD.",
  ],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency matches E*"],
    "Conditions: args.amount at most 5, args.currency only EUR, args.currency matching E*.",
  ],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency within ::/0"],
    "Conditions: args.amount at most 5, args.currency only EUR, args.currency within ::/0.",
  ],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency <= 5"],
    "Conditions: args.amount at most 5, args.currency only EUR, args.currency at most 5.",
  ],
  [
    ["args.amount <= 5", "args.currency = EUR", "args.currency = USD"],
    "Conditions: args.amount at most 5, args.currency has no value that could pass.",
  ],
  [["args.amount <= 5", "args.currency != EUR"], "Conditions: args.amount at most 5, args.currency not EUR."],
  [["args.amount <= 5"], "Conditions: args.amount at most 5."],
  [["args.currency = EUR"], "Conditions: args.currency only EUR."],
  [
    ["x = 1", "args.amount <= 5", "y = 2", "args.currency = EUR"],
    "At most 5 EUR a call, x only 1, y only 2.",
  ],
  [["resource = a", "resource = b"], "Conditions: resource has no value that could pass."],
  [
    ["resource = a", "resource = b", "resource matches c*"],
    "Conditions: resource has no value that could pass, resource matching c*.",
  ],
  [["resource = a", "resource matches c/**"], "Only resource a if under c."],
  [["resource in a, b"], "Only resources a or b."],
  [["resource != a"], "Conditions: resource not a."],
  [
    ["resource matches a*", "resource != ab", "resource within ::/0", "resource < 5"],
    "Only resources matching a*, resource less than 5, resource within ::/0, resource not ab.",
  ],
  [
    ["action = read", "action < 5", "action != write", "action matches r*"],
    "Only read, action less than 5, action matching r*, action not write.",
  ],
  [["action != read", "resource = a"], "Only resource a, action not read."],
  [
    ["action = read", "action = list", "resource = a"],
    "Only resource a, action has no value that could pass.",
  ],
  [
    ["action in read, list", "resource in a, b", "resource matches c/**", "resource matches d*"],
    "Conditions: read or list resources a or b if under c and at once matching d*.",
  ],
  [
    ["tool in a, b", "tool in b, c", "tool != d", "tool matches e*", "tool > 5", "tool within 10.0.0.0/8"],
    "Conditions: tool only b, tool more than 5, tool matching e*, tool within 10.0.0.0/8, tool not d.",
  ],
  [["tool = a", "tool = b", "tool != c"], "Conditions: tool has no value that could pass, tool not c."],
  [["ip within 10.0.0.0/8, 11.0.0.0/8"], "Conditions: ip within 10.0.0.0/8 or 11.0.0.0/8."],
  [
    [
      "when a = 1 then x = 1",
      "when a = 1 then x != 2",
      "when b in 1, 2 then x = 1",
      "when a in 1 then y = 1",
      "when a = 1 then z matches q*",
    ],
    "Conditions: x only 1 if a is 1, x not 2 if a is 1, z matching q* if a is 1, x only 1 if b is 1 or 2, y only 1 if a is 1.",
  ],
])("of the limits %j: %s", (texts, summary) => {
  expect(summarise(compiled(texts))).toBe(summary);
});

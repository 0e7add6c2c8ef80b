/** The sentence that a person answers: all that was asked is in it, nothing that a holder wrote, and nothing that deceives. */
import { expect, test } from "vitest";

import { compileCaveat, thirdParty } from "../../src/caveats/condition.ts";
import { allowanceOf, plainly } from "../../src/caveats/together/allowance.ts";

const read = (...texts: readonly string[]) => texts.map((text) => compileCaveat(text));
const END = Date.parse("2026-11-20T14:00:00Z");

test.each<[string, readonly string[], readonly string[], readonly string[]]>([
  ["nothing is limited", [], [], []],
  ["the asker's tests", [], ["tool = pay", "args.amount = 40"], ["tool only pay", "args.amount only 40"]],
  [
    "the issuer's stand behind them",
    ["ip within 10.0.0.0/8"],
    ["tool = pay"],
    ["tool only pay", "ip within 10.0.0.0/8"],
  ],
  ["both on one attribute", ["args.amount <= 100"], ["args.amount <= 40"], ["args.amount at most 40"]],
  [
    "an amount with its currency",
    [],
    ["args.amount <= 40", "args.currency = EUR"],
    ["at most 40 EUR a call"],
  ],
])("%s", (_, issued, asked, what) => {
  expect(allowanceOf(read(...issued), issued.length, read(...asked)).what).toEqual(what);
});

test("what holders wrote into the token is not in it, but for its times", () => {
  const token = [
    ...read("action = pay", "note = approved by the bank", "agent = ceo", "time < 2026-11-20T14:00:00Z"),
    thirdParty("https://bank.example"),
    ...read("time > 2026-11-20T12:00:00Z", "what is this"),
  ];
  expect(allowanceOf(token, 1, read("time < 2026-11-20T15:00:00Z"))).toEqual({
    what: ["only pay"],
    single: false,
    uses: null,
    budgets: [],
    from: Date.parse("2026-11-20T12:00:00Z"),
    until: END,
  });
});

test.each<[readonly string[], boolean]>([
  [["tool = pay", "args.amount = 40"], true],
  [["tool = pay", "time < 2026-11-20T14:00:00Z"], true],
  [["tool = pay", "args.amount <= 40"], false],
  [["tool = pay", "args.to != mallory"], false],
  [["tool in pay"], false],
  [["time < 2026-11-20T14:00:00Z"], false],
  [[], false],
])("%j allow a single call: %s", (asked, single) => {
  expect(allowanceOf(read("action = pay"), 1, read(...asked)).single).toBe(single);
});

test.each<[readonly string[], readonly string[], number | null, readonly string[]]>([
  [[], [], null, []],
  [[], ["uses <= 3", "uses <= 1"], 1, []],
  [["uses <= 10"], ["uses <= 30"], 10, []],
  [
    ["spend.EUR <= 100"],
    ["spend.EUR <= 40", "rate <= 2/h"],
    null,
    ["at most 40 EUR in all", "at most 2 times an hour", "at most 100 EUR in all"],
  ],
])("the issuer's budgets %j and the asker's %j", (issued, asked, uses, budgets) => {
  // What a holder appended counts as well, and is the holder's to say.
  const token = read(...issued, "uses <= 0", "spend.nothing <= 0");
  expect(allowanceOf(token, issued.length, read(...asked))).toMatchObject({ uses, budgets });
});

test("no asked test is hidden by others, however many and long", () => {
  const issued = Array.from({ length: 200 }, (_, index) => `issued.n${index} = 1`);
  const long = "y".repeat(4_000);
  const asked = [
    `note = ${long}`,
    ...Array.from({ length: 30 }, (_, index) => `x${index} = 1`),
    "args.amount = 40",
  ];
  const { what } = allowanceOf(read(...issued), issued.length, read(...asked));
  expect(what).toContain("args.amount only 40");
  expect(what[0]).toBe(`note only "${"y".repeat(80)}"…`);
  expect(what.at(-1)).toBe("168 more conditions of the token's issuer");
});

test.each([
  ["a Cyrillic letter", "args.to = printer\u0455", 'args.to only "printer\\u{455}"'],
  ["all of it Cyrillic", "args.to = \u0440\u0430\u0443", 'args.to only "\\u{440}\\u{430}\\u{443}"'],
  ["a zero-width space", "args.to = print\u200bers", 'args.to only "print\\u{200b}ers"'],
  ["an override of the direction", "args.to = \u202esretnirp", 'args.to only "\\u{202e}sretnirp"'],
  ["a letter with a mark of its own", "args.to = a\u0301", 'args.to only "a\\u{301}"'],
  ["a full-width quotation mark", "args.to = a\uff02, once", 'args.to only "a\\u{ff02}, once"'],
  [
    "a quotation mark",
    'args.to = a", once, args.amount only "1',
    'args.to only "a\\", once, args.amount only \\"1"',
  ],
  ["an escape that was written", "args.to = \\u{61}", 'args.to only "\\\\u{61}"'],
  ["a word that means more", "args.to = anybody", "args.to only anybody"],
  ["a word that means all", "args.to = anyone", 'args.to only "anyone"'],
  ["a letter of a European name", "args.to = Müller", 'args.to only "Müller"'],
])("%s is shown for what it is", (_, asked, says) => {
  expect(allowanceOf([], 0, read(asked)).what).toEqual([says]);
});

test("every text becomes one of letters that cannot be mixed up", () => {
  expect(plainly("a\u{1f600}é…\n\ud800")).toBe("a\\u{1f600}é…\\u{a}\\u{d800}");
});

/** The sentence that a person answers: all that was asked is in it, nothing that a holder wrote, and nothing that deceives. */
import { expect, test } from "vitest";

import { compileCaveat, thirdParty } from "../../src/caveats/condition.ts";
import { allowanceOf, plainly } from "../../src/caveats/together/allowance.ts";

const read = (...texts: readonly string[]) => texts.map((text) => compileCaveat(text));
const END = Date.parse("2026-11-20T14:00:00Z");

test.each<[string, readonly string[], readonly string[], readonly string[]]>([
  ["nothing is limited", [], [], []],
  ["the asker's tests", [], ["tool = pay", "args.amount = 40"], ['tool only "pay"', "args.amount only 40"]],
  [
    "the issuer's stand behind them",
    ["ip within 10.0.0.0/8"],
    ["tool = pay"],
    ['tool only "pay"', "ip within 10.0.0.0/8"],
  ],
  ["both on one attribute", ["args.amount <= 100"], ["args.amount <= 40"], ["args.amount at most 40"]],
  [
    "a fact once, the narrowest, whoever said it",
    ["args.amount <= 40", "args.to != mallory", "resource matches repo:acme/**", "ip within 10.0.0.0/8"],
    ["args.amount = 40", "args.to in printers, mallory", "resource = repo:acme/web", "ip = 10.1.2.3"],
    ["args.amount only 40", 'args.to only "printers"', 'resource only "repo:acme/web"', 'ip only "10.1.2.3"'],
  ],
  [
    "all of what leaves no value",
    ["args.amount <= 40"],
    ["args.amount = 400"],
    ["args.amount only 400", "args.amount at most 40"],
  ],
  [
    "an action on resources",
    ["resource matches repo:acme/**"],
    ["action in read, list", "resource matches repo:*/**"],
    ['action only "read" or "list"', 'resource matching "repo:*/**" and at once matching "repo:acme/**"'],
  ],
  [
    "amounts by their whole path, of each element of a list",
    [],
    ["args.amount <= 40", "args.currency = EUR"],
    ["args.amount at most 40", 'args.currency only "EUR"'],
  ],
  [
    "amounts that are named like others",
    ["action = pay"],
    ["args.x.amount <= 1", "args.x.currency = EUR", "amount <= 2", "currency = EUR", "payload.action = read"],
    [
      '"args.x.amount" at most 1',
      '"args.x.currency" only "EUR"',
      '"amount" at most 2',
      '"currency" only "EUR"',
      '"payload.action" only "read"',
      'action only "pay"',
    ],
  ],
])("%s", (_, issued, asked, what) => {
  expect(allowanceOf(read(...issued), issued.length, read(...asked)).what).toEqual(what);
});

test.each<[readonly string[], readonly string[], readonly string[]]>([
  [[], ["when tool = pay then args.amount <= 40"], ['args.amount at most 40 if tool is "pay"']],
  [
    ["when tool = pay then args.amount <= 100", "when action in read, list then resource matches a/**"],
    ["when tool = pay then args.amount <= 40"],
    [
      'args.amount at most 40 if tool is "pay"',
      'args.amount at most 100 if tool is "pay"',
      'resource matching "a/**" if action is "read" or "list"',
    ],
  ],
  [
    [],
    ["when once.only = exactly-this-call then args.x = once"],
    ['"args.x" only "once" if "once.only" is "exactly-this-call"'],
  ],
  [[], ['when tool = "pay\\", once" then x = а'], ['"x" only "\\u{430}" if tool is "pay\\", once"']],
])("of %j and the asked %j only some calls are said to be limited", (issued, asked, says) => {
  // A holder's limits are the holder's to say.
  const token = read(...issued, "when tool = pay then args.amount <= 0");
  const { what, conditional } = allowanceOf(token, issued.length, read(...asked));
  expect(what).toEqual([]);
  expect(conditional).toEqual(says.map((limit) => `${limit} (else this limits nothing)`));
});

test("every alternative of an asked limit on some calls is shown, and of the issuer's the first eight", () => {
  const items = Array.from({ length: 20 }, (_, index) => index);
  const texts = [`when tool in ${items} then args.amount in ${items}`];
  const whole = `${items.slice(0, -1).join(", ")} or 19`;
  const cut = "0, 1, 2, 3, 4, 5, 6, 7 or 12 more";
  const says = (list: string) => [`args.amount only ${list} if tool is ${list} (else this limits nothing)`];
  expect(allowanceOf([], 0, read(...texts)).conditional).toEqual(says(whole));
  expect(allowanceOf(read(...texts), 1, []).conditional).toEqual(says(cut));
});

test("of the issuer's limits on some calls the rest is counted, and of the asker's none", () => {
  const many = (name: string, count: number) =>
    read(...Array.from({ length: count }, (_, index) => `when ${name} = ${index} then x = 1`));
  const issued = many("action", 100);
  const { conditional } = allowanceOf(issued, issued.length, many("tool", 32));
  expect(conditional).toHaveLength(32 + 64 + 1);
  expect(conditional[31]).toBe('"x" only 1 if tool is 31 (else this limits nothing)');
  expect(conditional.at(-1)).toBe("36 more conditions of the token's issuer");
});

test.each([
  [64, 64, '"x63" only 1'],
  [65, 65, "1 more condition of the token's issuer"],
])("of %i conditions of the issuer's %i are said", (count, said, last) => {
  const issued = Array.from({ length: count }, (_, index) => `x${index} = 1`);
  const { what } = allowanceOf(read(...issued), count, []);
  expect(what).toHaveLength(said);
  expect(what.at(-1)).toEqual(last);
});

test("no alternative is left out because it would take too long to know whether it passes", () => {
  const items = Array.from({ length: 600 }, (_, index) => `t${index}`);
  const asked = `args.to in ${items.join(", ")}`;
  const all = `args.to only ${items
    .slice(0, -1)
    .map((item) => `"${item}"`)
    .join(", ")} or "t599"`;
  // The allowance ends while values are held against the last of seventeen or eighteen such limits.
  for (let count = 12; count < 24; count++) {
    const issued = Array.from({ length: count }, (_, index) => `args.to != x${index}`);
    const { what } = allowanceOf(read(...issued), count, read(asked));
    expect(what[0], `${count}`).toBe(all);
  }
});

test.each<[string, string]>([
  ["args.pay = once", '"args.pay" only "once"'],
  ["args.This-yes-is-limited-to-1-EUR-in-all = x", '"args.This-yes-is-limited-to-1-EUR-in-all" only "x"'],
  ["args.currency = EUR-in-all-once", 'args.currency only "EUR-in-all-once"'],
  ["exactly-this-call.once = x", '"exactly-this-call.once" only "x"'],
  ["args.amount-at-most-40-EUR >= 0", '"args.amount-at-most-40-EUR" at least 0'],
  ["action = pay-only-once", 'action only "pay-only-once"'],
  ["args.to matches printers**", 'args.to matching "printers**"'],
  ["args.x != once", '"args.x" not "once"'],
  ["Action = 7", '"Action" only 7'],
])("no word of %s reads as the service's", (asked, says) => {
  expect(allowanceOf([], 0, read(asked)).what).toEqual([says]);
});

test.each<[string, string]>([
  ["spend.EUR <= 1", "at most 1 EUR in all"],
  ["spend.payment <= 1", 'at most 1 "payment" in all'],
  ["spend.EUR-and-only-once <= 1", 'at most 1 "EUR-and-only-once" in all'],
  ["spend.times <= 1", 'at most 1 "times" in all'],
])("nor of the unit of %s", (asked, says) => {
  expect(allowanceOf([], 0, read(asked)).budgets).toEqual([says]);
});

test("every alternative that was asked for is shown, whole", () => {
  const items = Array.from({ length: 40 }, (_, index) => `printers-${index}`);
  const long = "z".repeat(300);
  const asked = [
    `args.to in ${items.join(", ")}, mallory`,
    `args.x not in ${items.join(", ")}, mallory`,
    `ip within ${items.map((_, index) => `10.0.${index}.0/24`).join(", ")}`,
    `args.y = ${long}`,
    `args.z matches ${long}**`,
    `a.${long} = 1`,
  ];
  const [to, x, ip, y, pattern, name] = allowanceOf([], 0, read(...asked)).what;
  expect(to).toBe(`args.to only ${items.map((item) => `"${item}"`).join(", ")} or "mallory"`);
  expect(x).toMatch(/"printers-39" or "mallory"$/);
  expect(ip).toMatch(/, 10\.0\.38\.0\/24 or 10\.0\.39\.0\/24$/);
  expect([y, pattern, name]).toEqual([
    `"args.y" only "${long}"`,
    `"args.z" matching "${long}**"`,
    `"a.${long}" only 1`,
  ]);
  // What the issuer alone wrote is counted past eight.
  const issued = allowanceOf(read(`args.to in ${items.join(", ")}`), 1, []).what;
  expect(issued).toEqual([expect.stringMatching(/"printers-7" or 32 more$/)]);
});

test("what holders wrote into the token is not in it, but for its times", () => {
  const token = [
    ...read("action = pay", "note = approved by the bank", "agent = ceo", "time < 2026-11-20T14:00:00Z"),
    thirdParty("https://bank.example"),
    ...read("time > 2026-11-20T12:00:00Z", "what is this"),
  ];
  expect(allowanceOf(token, 1, read("time < 2026-11-20T15:00:00Z"))).toEqual({
    what: ['action only "pay"'],
    conditional: [],
    uses: null,
    budgets: [],
    from: Date.parse("2026-11-20T12:00:00Z"),
    until: END,
  });
});

test.each<[readonly string[], readonly string[], string | null, string | null]>([
  [["action = pay"], ["tool = pay"], null, null],
  [["time > 2026-11-20T11:00:00Z"], ["time > 2026-11-20T12:00:00Z"], "2026-11-20T12:00:00Z", null],
  [["time > 2026-11-20T12:00:00Z"], ["time > 2026-11-20T11:00:00Z"], "2026-11-20T12:00:00Z", null],
  [["time < 2026-11-20T14:00:00Z"], ["time < 2026-11-20T15:00:00Z"], null, "2026-11-20T14:00:00Z"],
  [["time < 2026-11-20T15:00:00Z"], ["time < 2026-11-20T14:00:00Z"], null, "2026-11-20T14:00:00Z"],
])("with the token's %j and the asked %j it begins at %s and ends at %s", (token, asked, from, until) => {
  const at = (text: string | null) => (text === null ? null : Date.parse(text));
  const times = { from: at(from), until: at(until) };
  expect(allowanceOf(read(...token), 1, read(...asked))).toMatchObject(times);
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
  expect(what[0]).toBe(`"note" only "${long}"`);
  expect(what.at(-1)).toBe("136 more conditions of the token's issuer");
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
  ["a word that means more", "args.to = anybody", 'args.to only "anybody"'],
  ["a word that means all", "args.to = anyone", 'args.to only "anyone"'],
  ["a letter of a European name", "args.to = Müller", 'args.to only "Müller"'],
])("%s is shown for what it is", (_, asked, says) => {
  expect(allowanceOf([], 0, read(asked)).what).toEqual([says]);
});

test("every text becomes one of letters that cannot be mixed up", () => {
  expect(plainly("a\u{1f600}é…\n\ud800")).toBe("a\\u{1f600}é…\\u{a}\\u{d800}");
});

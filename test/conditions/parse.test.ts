import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseTerms } from "../../src/conditions/parse.ts";
import { printTerms } from "../../src/conditions/print.ts";
import { DEFAULT_LIFE, type Terms } from "../../src/conditions/terms.ts";

const NONE = {
  life: undefined,
  authAge: undefined,
  acr: undefined,
  principalCounts: false,
  once: false,
  exact: false,
};

function approval(over: object) {
  return { kind: "approved-by", needed: 1, subjects: [], groups: [], text: "Do it", ...over };
}

describe("what is read", () => {
  test.each([
    ["is-authenticated-user", { kind: "is-authenticated-user" }],
    ["is-principal", { kind: "is-principal" }],
    ['is-member-of a "b c"', { kind: "is-member-of", groups: ["a", "b c"] }],
    ["approved-by alice Do it", approval({ subjects: ["alice"] })],
    ["approved-by 248289761001 Do it", approval({ subjects: ["248289761001"] })],
    ["approved-by 2 of group:oncall Do it", approval({ needed: 2, groups: ["oncall"] })],
    [
      'approved-by 2 of a,"b, c",group:d,group:"e f" Do it',
      approval({ needed: 2, subjects: ["a", "b, c"], groups: ["d", "e f"] }),
    ],
    ['approved-by "2" of course', approval({ subjects: ["2"], text: "of course" })],
    ['approved-by "group:x" Do it', approval({ subjects: ["group:x"] })],
    ["approved-by a group:b Do it", approval({ subjects: ["a"], text: "group:b Do it" })],
  ])("%s", (text, condition) => {
    expect(parseTerms(text)).toEqual({ ok: true, terms: { declared: [], options: NONE, condition } });
  });

  test.each(["is-authenticated-user", "is-principal", "is-member-of a", "approved-by a Do it"])(
    "once and exact before %s",
    (text) => {
      const options = (words: string) => {
        const reading = parseTerms(`${words} ${text}`);
        return reading.ok ? [reading.terms.options.once, reading.terms.options.exact] : reading.detail;
      };
      expect(options("exact")).toEqual([false, true]);
      expect(options("once")).toEqual([true, false]);
      expect(options("once exact")).toEqual([true, true]);
      expect(options("exact once")).toEqual([true, true]);
    },
  );

  test("options in any order", () => {
    const expected = {
      options: { life: 60, authAge: 0, acr: ["a", "b c"], principalCounts: true, once: true, exact: true },
      condition: approval({ groups: ["g"] }),
    };
    for (const text of [
      'life=60 auth-age=0 acr=a,"b c" principal=counts once exact approved-by group:g Do it',
      'exact once principal=counts acr=a,"b c" auth-age=0 life=60 approved-by group:g Do it',
    ]) {
      expect(parseTerms(text)).toMatchObject({ ok: true, terms: expected });
    }
  });
});

test("a discharge lives five minutes, if the ticket says nothing", () => expect(DEFAULT_LIFE).toBe(300));

describe("bounds", () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`);
  test.each<[string, (count: number) => string, number]>([
    ["classes of a login", (count) => `acr=${names(count).join(",")} is-principal`, 8],
    ["groups", (count) => `is-member-of ${names(count).join(" ")}`, 32],
    ["approvers", (count) => `approved-by ${names(count).join(",")} Do it`, 32],
    [
      "groups and people that approve",
      (count) => `approved-by group:g,${names(count - 1).join(",")} Do it`,
      32,
    ],
    ["characters that are approved", (count) => `approved-by a ${"x".repeat(count)}`, 1_000],
    ["seconds of life", (count) => `life=${count} is-principal`, 86_400],
    ["seconds since a login", (count) => `auth-age=${count} is-principal`, 86_400],
    ["approvals of a group", (count) => `approved-by ${count} of group:g Do it`, 99],
    ["approvals of people", (count) => `approved-by ${count} of a,b,c Do it`, 3],
    ["declared names", (count) => `need-declared ${names(count).join(",")} is-principal`, 16],
    ["characters of a name", (count) => `is-member-of ${"n".repeat(count)}`, 255],
    ["characters of a name in quotes", (count) => `is-member-of "${"n ".padEnd(count, "n")}"`, 255],
    ["characters of a declared name", (count) => `need-declared ${"n".repeat(count)} is-principal`, 64],
  ])("%s: as many as may be, and no more", (_name, textOf, most) => {
    expect(parseTerms(textOf(most))).toMatchObject({ ok: true });
    expect(parseTerms(textOf(most + 1))).toMatchObject({ ok: false, code: "malformed" });
  });
});

describe("what is refused", () => {
  test.each([
    "",
    " ",
    " is-principal",
    "is-principal ",
    "is-principal alice",
    "is-authenticated-user @example.com",
    "is-member-of",
    "is-member-of ",
    "is-member-of a  b",
    "is-member-of a a",
    'is-member-of "a',
    'is-member-of "\\u0061"',
    'is-member-of ""',
    "is-member-of a,b",
    "approved-by",
    "approved-by ",
    "approved-by alice",
    "approved-by alice ",
    "approved-by alice  Do it",
    "approved-by alice Do it ",
    "approved-by alice, Do it",
    "approved-by ,alice Do it",
    "approved-by alice,alice Do it",
    "approved-by group: Do it",
    "approved-by 0 of alice Do it",
    "approved-by 2 of alice Do it",
    "approved-by 100 of group:a Do",
    "approved-by alice Do\nit",
    "approved-by alice Do\u0000it",
    "approved-by alice Do \u202eit",
    "approved-by alice Do \ud800",
    `approved-by alice ${"x".repeat(1001)}`,
    `approved-by ${Array.from({ length: 33 }, (_, i) => `a${i}`).join(",")} Do it`,
    "life=0 is-principal",
    "life=86401 is-principal",
    "life=060 is-principal",
    "life=5m is-principal",
    "life=60  is-principal",
    "life=60",
    "life=60 life=60 is-principal",
    "acr= is-principal",
    "principal=yes approved-by group:g Do it",
    "principal=counts is-principal",
    "principal=counts approved-by alice Do it",
    "exact",
    "exact ",
    "exact exact is-principal",
    "once",
    "once once is-principal",
    "once exact once is-principal",
    "life=60 exact life=60 is-principal",
    "exact  is-principal",
    "need-declared is-principal",
    "need-declared username approved-by alice Let me in",
    "need-declared A is-principal",
    "need-declared a, is-principal",
  ])("%j is malformed", (text) => {
    expect(parseTerms(text)).toMatchObject({ ok: false, code: "malformed" });
  });

  test.each([
    "is-human",
    "IS-PRINCIPAL",
    "<is-authenticated-user",
    "within=5 is-principal",
    "true",
    "exact= is-principal",
    "once= is-principal",
    "twice is-principal",
    "exact=1 is-principal",
    "exactly is-principal",
    "life is-principal",
    "is-principal= exact",
  ])("%j is unknown", (text) => {
    expect(parseTerms(text)).toMatchObject({ ok: false, code: "unknown" });
  });

  test.each([
    ["x=1 is-principal", "this option is not one that this service knows"],
    ["within=5 is-principal", "this option is not one that this service knows"],
    ["x", "this condition is not one that this service serves"],
  ])("%j is unknown: %s", (text, detail) => {
    expect(parseTerms(text)).toEqual({ ok: false, code: "unknown", detail });
  });

  test("the refusal never repeats the text", () => {
    for (const text of [
      "c4n4ry",
      "c4n4ry=1 is-principal",
      "approved-by c4n4ry",
      "is-member-of c4n4ry c4n4ry",
    ]) {
      expect(JSON.stringify(parseTerms(text))).not.toContain("c4n4ry");
    }
  });
});

const name = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
    fc.constantFrom("2", "group:a", "a b", 'a"b', "a,b"),
  )
  .filter((text) => parseTerms(`is-member-of ${JSON.stringify(text)}`).ok);
const names = (least: number) => fc.uniqueArray(name, { minLength: least, maxLength: 4 });
const approvals = fc
  .record({
    subjects: names(0),
    groups: names(0),
    needed: fc.integer({ min: 1, max: 9 }),
    text: fc.constantFrom("Do it", "2 of group:a b", ", , x"),
  })
  .filter(({ subjects, groups, needed }) => groups.length > 0 || subjects.length >= needed)
  .map((parts) => ({ kind: "approved-by" as const, ...parts }));
const terms: fc.Arbitrary<Terms> = fc
  .record({
    declared: fc.uniqueArray(fc.constantFrom("username", "groups"), { maxLength: 2 }),
    options: fc.record({
      life: fc.option(fc.integer({ min: 1, max: 86_400 }), { nil: undefined }),
      authAge: fc.option(fc.integer({ min: 0, max: 86_400 }), { nil: undefined }),
      acr: fc.option(names(1), { nil: undefined }),
      principalCounts: fc.boolean(),
      once: fc.boolean(),
      exact: fc.boolean(),
    }),
    condition: fc.oneof(
      fc.constant({ kind: "is-authenticated-user" as const }),
      fc.constant({ kind: "is-principal" as const }),
      names(1).map((groups) => ({ kind: "is-member-of" as const, groups })),
      approvals,
    ),
  })
  .map((made) => {
    const counts = made.condition.kind === "approved-by" && made.condition.groups.length > 0;
    const declared = made.condition.kind === "approved-by" ? [] : made.declared;
    const principalCounts = made.options.principalCounts && counts;
    return { ...made, declared, options: { ...made.options, principalCounts } };
  });

test("what is written is read back as the same", () => {
  fc.assert(
    fc.property(terms, (made) => {
      expect(parseTerms(printTerms(made))).toEqual({ ok: true, terms: made });
    }),
  );
});

test("reading ends and never throws, whatever the text", () => {
  const words = [
    "approved-by ",
    "is-member-of ",
    "group:",
    '"',
    "\\",
    ",",
    " ",
    "2 of ",
    "life=",
    "a",
    "acr=",
    "exact ",
    "once ",
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom(...words), fc.string()), { maxLength: 40 }), (parts) => {
      const text = parts.join("");
      const reading = parseTerms(text);
      if (reading.ok) expect(parseTerms(printTerms(reading.terms))).toEqual(reading);
    }),
  );
});

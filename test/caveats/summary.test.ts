import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { AttributeCaveat } from "../../src/caveats/caveat.ts";
import { type Condition, compileCaveat, thirdParty, thirdPartyText } from "../../src/caveats/condition.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { type Merged, mergeCaveats } from "../../src/caveats/together/merge.ts";
import { summarise } from "../../src/caveats/together/summary.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { anyText, smallCaveat, smallContext } from "./arbitraries.ts";
import { clearTexts } from "./texts.ts";

const NOW = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");

interface Row {
  readonly says: string;
  readonly caveats: readonly string[];
}

const rows: readonly Row[] = [
  {
    says: "Until 2026-11-20 14:00 UTC, read or list resources under repo:acme, at most 100 EUR a call, may be handed on twice more.",
    caveats: [
      "time < 2026-11-20T14:00:00Z",
      "action in read, list",
      "resource matches repo:acme/**",
      "args.amount <= 100",
      "args.currency = EUR",
      "depth <= 2",
    ],
  },
  {
    says: "Conditions: args.x.amount at most 1, args.x.currency only EUR.",
    caveats: ["args.x.amount <= 1", "args.x.currency = EUR"],
  },
  {
    says: "Conditions: amount at most 2, currency only EUR.",
    caveats: ["amount <= 2", "currency = EUR"],
  },
  { says: "No conditions.", caveats: [] },
  { says: "Until 2026-11-20 14:00:05 UTC.", caveats: ["time < 2026-11-20T14:00:05.5Z"] },
  { says: "Until 2026-11-21 14:00 UTC.", caveats: ["time < 2026-11-21T14:00:00Z"] },
  {
    says: "Until 2026-11-20 13:00 UTC.",
    caveats: [
      "time < 2026-11-20T14:00:00Z",
      "time < 2026-11-20T14:00:00+01:00",
      "time < 2027-01-01T00:00:00Z",
    ],
  },
  { says: "Expired at 2026-11-20 11:00 UTC.", caveats: ["time < 2026-11-20T11:00:00Z"] },
  {
    says: "Until 2026-11-20 14:00 UTC, only after 2026-11-20 13:00 UTC.",
    caveats: ["time > 2026-11-20T12:30:00Z", "time < 2026-11-20T14:00:00Z", "time > 2026-11-20T13:00:00Z"],
  },
  { says: "Only read.", caveats: ["action in read, list", "action in write, read"] },
  {
    says: "Conditions: action has no value that could pass.",
    caveats: ["action in read", "action in write"],
  },
  {
    says: "Conditions: action not delete or drop.",
    caveats: ["action != delete", "action not in drop, delete"],
  },
  { says: "Only read, action not delete.", caveats: ["action = read", "action != delete"] },
  {
    says: "Only resources under repo:acme and at once matching *.ts.",
    caveats: ["resource matches repo:acme/**", "resource matches *.ts"],
  },
  { says: "Only resources matching repo:*/**.", caveats: ["resource matches repo:*/**"] },
  { says: "Only resource repo:acme/x.", caveats: ["resource = repo:acme/x"] },
  {
    says: "Conditions: read resources a or b if under c.",
    caveats: ["action = read", "resource in a, b", "resource matches c/**"],
  },
  {
    says: "Conditions: args.amount more than 1 and at most 5.",
    caveats: ["args.amount > 1", "args.amount <= 7", "args.amount <= 5", "args.amount >= 1"],
  },
  {
    says: "Conditions: more than 1 and at most 5 EUR a call.",
    caveats: ["args.amount > 1", "args.amount <= 5", "args.currency = EUR"],
  },
  { says: "Conditions: args.amount less than 5.", caveats: ["args.amount <= 5", "args.amount < 5"] },
  {
    says: "Conditions: args.amount at most 5, args.currency only EUR or USD.",
    caveats: ["args.amount <= 5", "args.currency in EUR, USD"],
  },
  {
    says: "Conditions: a.amount at most 5, a.currency only EUR, b.amount at most 6, b.currency only EUR.",
    caveats: ["a.amount <= 5", "a.currency = EUR", "b.amount <= 6", "b.currency = EUR"],
  },
  {
    says: "Conditions: args.amount at most 5, args.amount not 3, args.currency only EUR.",
    caveats: ["args.amount <= 5", "args.amount != 3", "args.currency = EUR"],
  },
  { says: "Conditions: due before 2027-01-01T00:00:00Z.", caveats: ["due < 2027-01-01T00:00:00Z"] },
  {
    says: "Conditions: ip within 10.0.0.0/8 and at once within 10.1.0.0/16 or ::/0.",
    caveats: ["ip within 10.0.0.0/8", "ip within 10.1.0.0/16, ::/0"],
  },
  {
    says: "Conditions: tool matching a* and at once matching *b.",
    caveats: ["tool matches a*", "tool matches *b"],
  },
  { says: "Conditions: tool only search or fetch.", caveats: ["tool in search, fetch"] },
  { says: "Handed on to a, then b.", caveats: ["agent = a#1", "agent = b#2"] },
  {
    says: "Handed on to 2 agents, then c, then d, then e, then f, then g.",
    caveats: ["a", "b", "c", "d", "e", "f", "g"].map((name) => `agent = ${name}`),
  },
  { says: "May be handed on once more.", caveats: ["depth <= 1"] },
  { says: "May not be handed on.", caveats: ["depth <= 0"] },
  { says: "May be handed on 3 times more.", caveats: ["depth <= 7", "depth <= 3"] },
  { says: "Handed on to a, may be handed on once more.", caveats: ["depth <= 2", "agent = a", "depth <= 5"] },
  {
    says: "Handed on to a, was handed on more often than it may, so it will be refused.",
    caveats: ["depth <= 0", "agent = a"],
  },
  { says: "At most once in all.", caveats: ["uses <= 1"] },
  {
    says: "Until 2026-11-20 14:00 UTC, only read, at most 40 EUR in all, at most 5 times a minute, may not be handed on.",
    caveats: [
      "time < 2026-11-20T14:00:00Z",
      "spend.EUR <= 40.00",
      "action = read",
      "rate <= 5/m",
      "depth <= 0",
    ],
  },
  {
    says: "At most 10 times in all, at most 3 times in all, at most once an hour, handed on to a.",
    caveats: ["uses <= 10", "agent = a", "uses <= 3", "rate <= 1/h"],
  },
  { says: 'At most 5 "times" in all, at most 5 times in all.', caveats: ["spend.times <= 5", "uses <= 5"] },
  { says: 'At most 1 "time" in all.', caveats: ["spend.time <= 1"] },
  { says: 'At most 3 "Times" in all.', caveats: ["spend.Times <= 3"] },
  {
    says: "At most 3 overtime in all, at most 2 timesheets in all.",
    caveats: ["spend.overtime <= 3", "spend.timesheets <= 2"],
  },
  { says: "Conditions: x only 1, 2, 3, 4, 5, 6, 7, 8 or 9.", caveats: ["x in 1, 2, 3, 4, 5, 6, 7, 8, 9"] },
  {
    says: "Conditions: x only 1, 2, 3, 4, 5, 6, 7, 8 or 2 more.",
    caveats: ["x in 1, 2, 3, 4, 5, 6, 7, 8, 9, 10"],
  },
  {
    says: "At most once in all, only where the key NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs vouches for the call, handed on to a.",
    caveats: [
      "holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
      "agent = a",
      "uses <= 1",
      "holder = NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    ],
  },
  {
    says: "Until 2026-11-20 14:00 UTC, and 1 condition that this service does not know, so it will be refused.",
    caveats: ["time < 2026-11-20T14:00:00Z", "holder = x"],
  },
  {
    says: "And 2 conditions that this service does not know, so it will be refused.",
    caveats: ["what", "approval = only-in-a-discharge"],
  },
  {
    says: "Only pay or search, args.amount at most 40 if tool is pay, at most 3 times in all.",
    caveats: ["uses <= 3", "when tool = pay then args.amount <= 40", "action in pay, search"],
  },
  {
    says: "Conditions: x only a, x more than 1 and at most 5 if y is 1, x not b if y is 1, x not c if y is 2 or 3.",
    caveats: [
      "when y = 1 then x > 1",
      "when y in 2, 3 then x != c",
      "when y = 1 then x <= 5",
      "x = a",
      "when y = 1 then x != b",
    ],
  },
  { says: 'Conditions: x only "if" if tool is "then".', caveats: ["when tool = then then x = if"] },
  {
    says: 'Conditions: "anything" resources under "everything".',
    caveats: ["action = anything", "resource matches everything/**"],
  },
  { says: 'Only "read or delete" or "a\\u{202e}b".', caveats: ["action in read or delete, a\u202eb"] },
];

describe("the summary", () => {
  test.each(rows)("$says", ({ says, caveats }) => {
    expect(summarise(caveats.map(compileCaveat), { now: NOW })).toBe(says);
  });

  test("gives every time its date", () => {
    expect(summarise([compileCaveat("time < 2026-11-20T14:00:00Z")])).toBe("Until 2026-11-20 14:00 UTC.");
  });

  test("never gives a later end than the caveat's, however long its fraction", () => {
    expect(summarise([compileCaveat(`time < 2026-11-20T14:00:00.${"9".repeat(500)}Z`)], { now: NOW })).toBe(
      "Until 2026-11-20 14:00 UTC.",
    );
  });

  test.each([
    [["time < 2026-11-20T14:00:00Z"], "Until 2026-11-20 14:00 UTC, ANYTHING."],
    [
      ["time < 2026-11-20T14:00:00Z", "agent = a", "depth <= 0"],
      "Until 2026-11-20 14:00 UTC, ANYTHING, handed on to a, may not be handed on.",
    ],
    [["uses <= 3"], "ANYTHING, at most 3 times in all."],
    [[], "ANYTHING."],
    [["action = read"], "Only read."],
    [["when tool = pay then args.amount <= 40"], "ANYTHING, args.amount at most 40 if tool is pay."],
    [["holder = x"], "And 1 condition that this service does not know, so it will be refused."],
  ])("of a whole token with %j", (texts, says) => {
    expect(summarise(texts.map(compileCaveat), { now: NOW, whole: true })).toBe(says);
  });

  test("ends with what comes with the token, if that ends sooner", () => {
    const chain = [compileCaveat("time < 2026-11-20T14:00:00Z"), compileCaveat("action = read")];
    const ends = (text: string) => summarise(chain, { ends: parseInstant(text) ?? expect.fail("no time") });
    expect(ends("2026-11-20T13:00:00Z")).toBe("Until 2026-11-20 13:00 UTC, only read.");
    expect(ends("2026-11-20T15:00:00Z")).toBe("Until 2026-11-20 14:00 UTC, only read.");
  });

  test.each([
    [["repo:acme/**", "repo:acme/web/**"], "under repo:acme/web"],
    [
      ["repo:acme/web/**", "repo:acme/**", "repo:acme/*/src/**"],
      "under repo:acme/web and at once matching repo:acme/*/src/**",
    ],
    [["repo:acme/**", "repo:acme/**"], "under repo:acme"],
    [["repo:acme/**", "repo:other/**"], "under repo:acme and at once under repo:other"],
  ])("of %j says what is in all of them", (patterns, says) => {
    const chain = patterns.map((pattern) => compileCaveat(`resource matches ${pattern}`));
    expect(summarise(chain)).toBe(`Only resources ${says}.`);
  });

  test("lists a third-party caveat as no caveat could be written", () => {
    expect(thirdPartyText("https://auth.example/d")).toBe("third-party https://auth.example/d");
    expect(parseCaveat(thirdPartyText("https://auth.example/d"))).toBeUndefined();
  });

  test("names where proofs come from, quoted where the text could deceive", () => {
    const chain = [thirdParty("https://auth.example/d"), thirdParty("a, or no proof"), thirdParty("")];
    expect(summarise(chain, { now: NOW })).toBe(
      'Only with a proof from https://auth.example/d, only with a proof from "a, or no proof", only with a proof from elsewhere.',
    );
  });

  test("knows a discharge's own caveats in a discharge", () => {
    const chain = ["ancestor = AAECAwQFBgcICQoLDA0ODw", "approval = a1"].map(compileCaveat);
    expect(summarise(chain, { now: NOW, macaroon: "discharge" })).toBe(
      "Only for tokens at or below the link AAECAwQFBgcICQoLDA0ODw, granted by the approval a1.",
    );
  });

  test("counts what it does not spell out", () => {
    const chain = Array.from({ length: 100 }, (_, index) => compileCaveat(`x${index} = 1`));
    expect(summarise(chain)).toMatch(/^Conditions: x0 only 1, .*x23 only 1, 76 more conditions\.$/);
    const items = Array.from({ length: 100 }, (_, index) => index);
    expect(summarise([compileCaveat(`x in ${items}`)])).toBe(
      "Conditions: x only 0, 1, 2, 3, 4, 5, 6, 7 or 92 more.",
    );
  });

  test("is one line of safe characters and of bounded length, whatever the caveats are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(anyText, smallCaveat), { maxLength: 40 }),
        fc.string(),
        (texts, location) => {
          const said = summarise([...texts.map(compileCaveat), thirdParty(location)], { now: NOW });
          expect(said).toMatch(/^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+\.$/u);
          expect(said.length).toBeLessThan(20_000);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("says of unknown caveats that they refuse, always", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(anyText, smallCaveat), { maxLength: 8 }), (texts) => {
        const conditions = texts.map(compileCaveat);
        // A client that nobody says was issued is one that a holder appended, and is known to nobody.
        const isUnknown = (one: Condition) =>
          one.state === "unknown" || (one.state === "known" && one.caveat.kind === "client");
        const unknown = conditions.some(isUnknown);
        expect(summarise(conditions).includes("that this service does not know")).toBe(unknown);
      }),
    );
  });
});

describe("putting caveats on one attribute together", () => {
  /** The merged conditions as caveats again. */
  function unmerge({
    attribute,
    only,
    denied,
    bounds,
    patterns,
    networks,
  }: Merged): readonly AttributeCaveat[] {
    return [
      ...(only && only.length > 0
        ? [{ kind: "membership", attribute, operator: "in", items: only } as const]
        : []),
      ...(denied.length > 0
        ? [{ kind: "membership", attribute, operator: "not in", items: denied } as const]
        : []),
      ...bounds.map(({ operator, bound }) => ({ kind: "comparison", attribute, operator, bound }) as const),
      ...patterns.map((pattern) => ({ kind: "glob", attribute, pattern }) as const),
      ...networks.map((blocks) => ({ kind: "network", attribute, blocks }) as const),
    ];
  }

  test("says neither more nor less than they say one by one", () => {
    const onAttribute = smallCaveat.filter((text) => /^[xy]/.test(text) && parseCaveat(text) !== undefined);
    fc.assert(
      fc.property(fc.array(onAttribute, { minLength: 1, maxLength: 6 }), smallContext, (texts, context) => {
        const caveats = texts
          .map(parseCaveat)
          .filter((caveat) => caveat !== undefined && "attribute" in caveat);
        const merged = [...mergeCaveats(caveats).values()];
        const nothingLeft = merged.some(({ only }) => only?.length === 0);
        const facts = { now: NOW, context, macaroon: "root" } as const;
        const apart = clearTexts(texts, facts).failures.length === 0;
        const together = clearTexts(merged.flatMap(unmerge).map(printCaveat), facts).failures.length === 0;
        expect(together && !nothingLeft).toBe(apart);
      }),
      { numRuns: 4_000 },
    );
  });
});

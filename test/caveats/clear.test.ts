import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { clear, type Facts } from "../../src/caveats/clear.ts";
import { compileCaveat, thirdParty } from "../../src/caveats/condition.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { reservedMember } from "../../src/caveats/reserved.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../src/json/value.ts";
import { processorTime } from "../support/processor-time.ts";
import { anyJson, anyText, caveat, smallCaveat, smallContext } from "./arbitraries.ts";
import { clearTexts, compiled } from "./texts.ts";

const NOW = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");

function facts(context: JsonObject = new Map(), more: Partial<Facts> = {}): Facts {
  return { now: NOW, context, macaroon: "root", ...more };
}

const chain = fc.array(fc.oneof({ weight: 6, arbitrary: smallCaveat }, { weight: 1, arbitrary: anyText }), {
  maxLength: 6,
});

describe("a holder", () => {
  const KEY = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
  const texts = ["x = 1", `holder = ${KEY}`, "agent = a#1", `holder = ${KEY}`];
  const context: JsonObject = new Map([["x", "1"]]);

  test("forbids where nobody checks proofs", () => {
    expect(clearTexts(texts, facts(context)).failures).toMatchObject([
      {
        index: 1,
        code: "caveat_unknown",
        detail:
          "holder asks for a proof of a key, and calls of this kind have none: only verify checks proofs",
      },
      { index: 3, agent: "a#1", code: "caveat_unknown" },
    ]);
  });

  test("is told by its place whether its key vouches", () => {
    const refused = { code: "holder_proof_required", detail: "no proof" } as const;
    const vouched = (index: number) => (index === 1 ? refused : undefined);
    expect(clearTexts(texts, facts(context, { vouched })).failures).toEqual([
      { index: 1, caveat: `holder = ${KEY}`, agent: null, placed: "first_holder", ...refused },
    ]);
    expect(clearTexts(texts, facts(context, { vouched: () => undefined })).failures).toEqual([]);
  });
});

describe("clearing", () => {
  test("appending any caveat never turns a refusal into a pass, and keeps every failure", () => {
    fc.assert(
      fc.property(chain, fc.oneof(smallCaveat, anyText), smallContext, (caveats, added, context) => {
        const before = clearTexts(caveats, facts(context)).failures;
        const after = clearTexts([...caveats, added], facts(context)).failures;
        // The depth caveat's sentence counts hand-overs, so only its text may change.
        const key = ({ index, code }: { index: number; code: string }): string => `${index} ${code}`;
        expect(after.map(key)).toEqual(expect.arrayContaining(before.map(key)));
      }),
      { numRuns: 3_000 },
    );
  });

  test("putting a caveat anywhere never turns a refusal into a pass", () => {
    fc.assert(
      fc.property(chain, smallCaveat, fc.nat(6), smallContext, (caveats, added, at, context) => {
        fc.pre(clearTexts(caveats, facts(context)).failures.length > 0);
        const longer = caveats.toSpliced(Math.min(at, caveats.length), 0, added);
        expect(clearTexts(longer, facts(context)).failures.length).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test("never throws, whatever the caveats and the context are, and says nothing that could deceive", () => {
    const context = fc
      .array(fc.tuple(fc.oneof(fc.constantFrom("x", "y", "a", "_"), fc.string()), anyJson), { maxLength: 4 })
      .map((members): JsonObject => new Map(members));
    const bytes = fc.uint8Array({ maxLength: 40 });
    const link = fc.oneof(anyText, bytes, smallCaveat, caveat.map(printCaveat));
    fc.assert(
      fc.property(fc.array(link, { maxLength: 8 }), context, fc.boolean(), (links, members, inDischarge) => {
        const { failures } = clearTexts(
          links,
          facts(members, { macaroon: inDischarge ? "discharge" : "root" }),
        );
        expect(failures.filter(({ index }) => index >= links.length)).toEqual([]);
        for (const failure of failures) {
          expect(failure.detail).toMatch(/^[^\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]+$/u);
          expect(failure.caveat).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
          expect(failure.detail.length).toBeLessThan(9_000);
        }
      }),
      { numRuns: 3_000 },
    );
  });

  test("does not throw on values that no parser gives", () => {
    const strange = [undefined, 5, 10n, Symbol("x"), () => "x", { a: 1 }, new Date(0), new JsonNumber("abc")];
    for (const value of strange) {
      const context = new Map([["x", value as JsonValue]]);
      for (const operator of ["= 1", "!= 1", "< 1", "in 1", "not in 1", "matches *", "within ::/0"]) {
        expect(clearTexts([`x ${operator}`], facts(context)).failures, operator).toHaveLength(1);
      }
    }
  });

  test("lists every caveat that fails, in the order of the chain", () => {
    const { failures } = clearTexts(
      ["time < 2026-11-20T11:00:00Z", "x = 1", "y = 1", "what", "depth <= 0", "x != 2", "agent = a", "x < 2"],
      facts(new Map([["x", "2"]])),
    );
    expect(failures.map(({ index, code }) => [index, code])).toEqual([
      [0, "expired"],
      [1, "caveat_failed"],
      [2, "caveat_failed"],
      [3, "caveat_unknown"],
      [4, "depth_exceeded"],
      [5, "caveat_failed"],
      [7, "caveat_failed"],
    ]);
  });

  test("passes third-party caveats over and keeps their place", () => {
    const links = [
      "depth <= 1",
      thirdParty("https://auth.example"),
      "agent = a",
      thirdParty(""),
      "x = 2",
      "x = 1",
    ];
    const { failures } = clearTexts(links, facts(new Map([["x", "1"]])));
    expect(failures.map(({ index, agent }) => [index, agent])).toEqual([[4, "a"]]);
  });

  test("names the agent in whose span a caveat stands, with its instance", () => {
    const links = [
      "x = 1",
      "agent = planner#1",
      "x = 2",
      "agent = bad name",
      "agent = researcher#2",
      "x = 3",
    ];
    const { failures, agents } = clearTexts(links, facts());
    expect(failures.map(({ agent, detail }) => [agent, detail])).toEqual([
      [null, "x is missing, the token allows only 1"],
      ["planner#1", "x is missing, the token allows only 2 (since the hand-over to planner)"],
      [
        "planner#1",
        "agent belongs to the service, which does not know this caveat on it (since the hand-over to planner)",
      ],
      ["researcher#2", "x is missing, the token allows only 3 (since the hand-over to researcher)"],
    ]);
    expect(agents).toEqual(["planner#1", "researcher#2"]);
  });

  test("says where a caveat stands, and not who wrote it", () => {
    const links = ["x = 1", "agent = a", "x = 2", "x = 3", "agent = b", "x = 4"];
    const placed = (issued?: number) =>
      clearTexts(links, { ...facts(), ...(issued !== undefined && { issued }) }).failures.map(
        (one) => one.placed,
      );
    expect(placed()).toEqual(["first_holder", "handed_over", "handed_over", "handed_over"]);
    expect(placed(1)).toEqual(["issued", "handed_over", "handed_over", "handed_over"]);
    // A name that the issuer wrote is nobody's hand-over.
    expect(placed(3)).toEqual(["issued", "issued", "handed_over", "handed_over"]);
    expect(clearTexts(links, { ...facts(), issued: 3 }).failures[1]?.detail).not.toContain("hand-over");
  });

  test("leaves conditions as they were: cleared again they come to the same outcome", () => {
    fc.assert(
      fc.property(chain, smallContext, (caveats, context) => {
        const conditions = compiled(caveats);
        const first = clear(conditions, facts(context));
        expect(clear(conditions, facts(context))).toStrictEqual(first);
      }),
    );
  });

  test("a failure repeats its caveat escaped and cut", () => {
    const text = (link: string | Uint8Array): string | undefined =>
      clearTexts([link], facts()).failures[0]?.caveat;
    expect(text("x = a\u001b[2J")).toBe("x = a\\u{1b}[2J");
    expect(text("x = a\u202eb")).toBe("x = a\\u{202e}b");
    expect(text(Uint8Array.of(0x78, 0x20, 0xff, 0x00))).toBe("x \\xff\\x00");
    expect(text(`x = ${"a".repeat(300)}`)).toBe(`x = ${"a".repeat(252)}…`);
    expect(text(new Uint8Array(4_000).fill(0xff))?.length).toBeLessThanOrEqual(257);
  });

  test("the service clears platform and its like as ordinary attributes", () => {
    const context = new Map([["platform", "default"]]);
    expect(clearTexts(["platform = default"], facts(context)).failures).toEqual([]);
    expect(clearTexts(["platform = other"], facts(context)).failures).toHaveLength(1);
  });
});

describe("work", () => {
  test("is bounded for a chain, and what is left undone is refused", () => {
    const list = Array.from({ length: 100_000 }, (_, index) => `é${index}`);
    const caveats = Array.from({ length: 256 }, (_, index) => `x not in a${index}, b`);
    let failures: ReturnType<typeof clearTexts>["failures"] = [];
    const spent = processorTime(() => {
      failures = clearTexts(caveats, facts(new Map([["x", list]]))).failures;
    });
    // Some ten milliseconds; unbounded it would be a quarter of a minute.
    expect(spent).toBeLessThan(2_000);
    expect(failures.length).toBeGreaterThan(200);
    expect(failures.at(-1)?.detail).toBe(
      "x is too much to check within the limits of one request, the token allows anything but a255 or b",
    );
  });

  test("leaves room for a thousand elements under ten caveats and for a text of 64 KiB", () => {
    const list = Array.from({ length: 1_000 }, (_, index) => `item-${index}`);
    const caveats = Array.from({ length: 10 }, (_, index) => `x not in a${index}, b, c, d`);
    expect(clearTexts(caveats, facts(new Map([["x", list]]))).failures).toEqual([]);
    const long = new Map([["x", `${"segment/".repeat(8_191)}end`]]);
    expect(
      clearTexts(["x matches **/segment/*/**", "x != y", "x matches segment/**"], facts(long)).failures,
    ).toEqual([]);
  });

  test("a text of combining marks is refused before anybody normalises it", () => {
    const marks = `a${"\u0301".repeat(200_000)}${"\u0316".repeat(200_000)}`;
    const spent = processorTime(() => {
      expect(clearTexts(["x != a"], facts(new Map([["x", marks]]))).failures).toHaveLength(1);
      const some = new Map([["x", marks.slice(0, 40_000)]]);
      expect(clearTexts(["x not in a, é"], facts(some)).failures).toHaveLength(1);
    });
    // The engine would take minutes to normalise the first.
    expect(spent).toBeLessThan(2_000);
  });

  test("a context nested 100 deep is reached and left in no time", () => {
    const deep = parseJson(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`);
    if (!(deep instanceof Map)) return expect.fail("no object");
    const path = Array.from({ length: 100 }, () => "a").join(".");
    expect(clearTexts([`${path} = 1`], facts(deep)).failures).toEqual([]);
    expect(clearTexts([`${path}.a = 1`], facts(deep)).failures).toHaveLength(1);
  });
});

describe("reserved members", () => {
  const names =
    "time agent depth uses spend rate holder ancestor approval principal platform token_id cost bh".split(
      " ",
    );

  test.each(names)("a context that sets %s is refused", (name) => {
    expect(
      reservedMember(
        new Map<string, JsonValue>([
          ["action", "read"],
          [name, null],
        ]),
      ),
    ).toBe(name);
  });

  test("only at the top, and only those", () => {
    const inner: JsonObject = new Map(names.map((name) => [name, "x"]));
    expect(reservedMember(new Map([["args", inner]]))).toBeUndefined();
    expect(
      reservedMember(
        new Map([
          ["Time", "x"],
          ["timer", "x"],
          ["__proto__", "x"],
          ["time-before", "x"],
        ]),
      ),
    ).toBeUndefined();
  });

  test.each(names.filter((name) => compileCaveat(`${name}.x = 1`).state === "unknown" && name !== "spend"))(
    "%s with a longer path is no caveat with any operator",
    (name) => {
      for (const rest of [
        "= 1",
        "!= 1",
        "< 1",
        "<= 1",
        "> 1",
        ">= 1",
        "in 1",
        "not in 1",
        "matches *",
        "within ::/0",
      ]) {
        expect(compileCaveat(`${name}.x ${rest}`).state).toBe("unknown");
      }
    },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clear } from "../../src/caveats/clear.ts";
import { compileCaveat } from "../../src/caveats/condition.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { contradictions } from "../../src/caveats/together/contradictions.ts";
import { testsOfEveryCall } from "../../src/caveats/together/every-call.ts";
import { impossible } from "../../src/caveats/together/impossible.ts";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { newWork } from "../../src/caveats/values/work.ts";
import type { JsonObject, JsonValue } from "../../src/json/value.ts";
import { processorTime } from "../support/processor-time.ts";
import { SMALL_SCALARS, smallCaveat, smallContext } from "./arbitraries.ts";
import { compiled } from "./texts.ts";

const TIMES = ["2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T16:00:00Z"].map(
  (text) => parseInstant(text) ?? expect.fail("no time"),
);

function found(...caveats: string[]): readonly (readonly number[])[] {
  return contradictions(caveats.map(compileCaveat)).map(({ indexes }) => indexes);
}

describe("contradictions", () => {
  test("are certain: whatever is warned about, nothing in the small world satisfies", () => {
    const values: JsonValue[] = [
      ...SMALL_SCALARS,
      ...SMALL_SCALARS.map((value) => [value, "a"]),
      ...SMALL_SCALARS.map((value): JsonObject => new Map([["y", value]])),
    ];
    fc.assert(
      fc.property(fc.array(smallCaveat, { minLength: 2, maxLength: 7 }), smallContext, (caveats, context) => {
        for (const { indexes } of contradictions(caveats.map(compileCaveat))) {
          const chosen = indexes.map((index) => caveats[index] ?? expect.fail("no such caveat"));
          // A depth caveat is cleared with the hand-overs that follow it.
          const chain = compiled(chosen.some((text) => text.startsWith("depth")) ? caveats : chosen);
          const contexts = [context, ...values.map((value) => new Map([...context, ["x", value]]))];
          for (const now of TIMES) {
            const passing = contexts.find(
              (members) => clear(chain, { now, context: members, macaroon: "root" }).failures.length === 0,
            );
            expect(passing).toBeUndefined();
          }
        }
      }),
      { numRuns: 600 },
    );
  });

  test("find most of what never passes in the small world, where lists or numbers decide", () => {
    const decided = smallCaveat.filter((text) => /^x (?:=|in|not in|<|<=|>|>=) /.test(text));
    let impossible = 0;
    let warned = 0;
    fc.assert(
      fc.property(fc.array(decided, { minLength: 2, maxLength: 4 }), (caveats) => {
        const now = TIMES[1] ?? expect.fail("no time");
        const chain = compiled(caveats);
        const passes = SMALL_SCALARS.some(
          (value) =>
            clear(chain, { now, context: new Map([["x", value]]), macaroon: "root" }).failures.length === 0,
        );
        if (passes) return;
        impossible++;
        if (contradictions(chain).length > 0) warned++;
      }),
      { numRuns: 1_000, seed: 3 },
    );
    expect(impossible).toBeGreaterThan(100);
    expect(warned / impossible).toBeGreaterThan(0.9);
  });

  test.each<{ readonly caveats: readonly string[]; readonly indexes: readonly number[] }>([
    { caveats: ["action in read", "action in write"], indexes: [0, 1] },
    { caveats: ["action = read", "x = 1", "action in list, write"], indexes: [0, 2] },
    { caveats: ["a in x, y", "a in y, z", "a in z, x"], indexes: [0, 1, 2] },
    { caveats: ["a in x, y", "a not in x, y"], indexes: [0, 1] },
    { caveats: ["a in 1, 2", "a != 1.0", "a not in 2e0"], indexes: [0, 1, 2] },
    { caveats: ["a < 5", "a > 5"], indexes: [0, 1] },
    { caveats: ["a < 5", "a >= 5"], indexes: [0, 1] },
    { caveats: ["a <= 0.1", "a >= 0.10000000000000000000001"], indexes: [0, 1] },
    { caveats: ["a < 5", "a < 2026-01-01T00:00:00Z"], indexes: [0, 1] },
    { caveats: ["a > 2026-01-01T00:00:00Z", "a < 2026-01-01T00:00:00+01:00"], indexes: [0, 1] },
    { caveats: ["a in x, y", "a <= 5"], indexes: [0, 1] },
    { caveats: ["a in 10, 20", "a <= 5"], indexes: [0, 1] },
    { caveats: ["a = 1.0", "a in 1"], indexes: [0, 1] },
    { caveats: ["a = b/c", "a matches c/**"], indexes: [0, 1] },
    { caveats: ["a matches b/../c"], indexes: [0] },
    { caveats: ["a matches repo:x/**", "a matches repo:y/**"], indexes: [0, 1] },
    { caveats: ["a matches b", "a matches c*"], indexes: [0, 1] },
    { caveats: ["ip within 10.0.0.0/8", "ip within 192.168.0.0/16, ::/0"], indexes: [0, 1] },
    { caveats: ["ip within 10.0.0.0/8", "ip = 11.0.0.1"], indexes: [0, 1] },
    { caveats: ["ip within 10.0.0.0/8", "ip < 5"], indexes: [0, 1] },
    { caveats: ["time < 2026-01-01T00:00:00Z", "time > 2026-01-01T00:00:00Z"], indexes: [0, 1] },
    { caveats: ["p.q = 1", "p = 2"], indexes: [0, 1] },
    { caveats: ["a = 1", "a <= 5", "a = 2"], indexes: [0, 2] },
    { caveats: ["depth <= 1", "agent = a", "agent = b"], indexes: [0] },
    { caveats: ["uses <= 3", "uses <= 0", "rate <= 0/m"], indexes: [1, 2] },
    { caveats: ["when t = pay then a <= 5", "t = pay", "a > 5"], indexes: [0, 1, 2] },
    {
      caveats: ["t = pay", "when t in pay, refund then a <= 5", "when a in 6 then b = 1", "a = 6"],
      indexes: [0, 1, 3],
    },
    {
      caveats: ["when b = 1 then c = 2", "when t in pay then b = 1", "t = pay", "c = 3"],
      indexes: [0, 1, 2, 3],
    },
    { caveats: ["t in pay, refund", "when t in refund, pay then t = search"], indexes: [0, 1] },
    { caveats: ["t = 1.0", "when t = 1 then t = 1"], indexes: [0, 1] },
    { caveats: ["t = pay", "when t = pay then x.y = 1", "x = 1"], indexes: [0, 1, 2] },
  ])("are found in $caveats", ({ caveats, indexes }) => {
    expect(found(...caveats)).toEqual([indexes]);
  });

  test("a path and a value above it are told of once, with the highest of such values", () => {
    expect(found("x.y.z = 1", "x.y = 1", "x = 1")).toEqual([
      [0, 2],
      [1, 2],
    ]);
    expect(found("x.y.z = 1", "x = 1")).toEqual([[0, 1]]);
  });

  test.each<{ readonly caveats: readonly string[] }>([
    { caveats: [] },
    { caveats: ["what is this", "uses <= 3"] },
    { caveats: ["action in read, list", "action in list, write"] },
    { caveats: ["a <= 5", "a >= 5"] },
    { caveats: ["a > 2026-01-01T00:00:00Z", "a < 2027-01-01T00:00:00Z"] },
    { caveats: ["a >= 2026-01-01T00:00:00Z", "a <= 2026-01-01T00:00:00Z"] },
    { caveats: ["a in 1, x", "a <= 5"] },
    { caveats: ["a = 1", "a != 2"] },
    { caveats: ["a matches repo:**", "a matches repo:x/**"] },
    { caveats: ["a matches *", "a matches b/**"] },
    { caveats: ["ip within 10.0.0.0/8", "ip within 10.1.0.0/16, 11.0.0.0/8"] },
    { caveats: ["time > 2026-01-01T00:00:00Z", "time < 2026-01-01T00:00:00.001Z"] },
    { caveats: ["pq = 1", "p = 2", "p-q.r = 1"] },
    { caveats: ["depth <= 1", "agent = a"] },
    { caveats: ["uses <= 1", "uses <= 2", "rate <= 1/d", "spend.EUR <= 0"] },
    { caveats: ["a = true", "a in true, false"] },
    { caveats: ["when t = pay then a <= 5", "a > 5"] },
    { caveats: ["when t = pay then a <= 5", "t in pay, search", "a > 5"] },
    { caveats: ["when t = pay then a <= 5", "t != search", "a > 5"] },
    { caveats: ["when t = pay then a <= 5", "when t = pay then a > 5"] },
    { caveats: ["when t = pay then x.y = 1", "x = 1"] },
  ])("are not found in $caveats", ({ caveats }) => {
    expect(found(...caveats)).toEqual([]);
  });

  test("name the pair, and nothing that stands behind it", () => {
    expect(found("x <= 1", "x >= 5", "x != 9")).toEqual([[0, 1]]);
    expect(found("x != 9", "x <= 1", "x >= 5", "x != 8")).toEqual([[1, 2]]);
  });

  test("are told in a sentence that quotes the caveats safely", () => {
    expect(contradictions(["action in read", "action = wr\u202eite"].map(compileCaveat))).toEqual([
      {
        indexes: [0, 1],
        detail: 'no value of action satisfies all of: "action in read" and "action = wr\\u{202e}ite"',
      },
    ]);
  });

  test.each([
    [
      ["time < 2026-01-03T00:00:00Z", "time < 2026-01-01T00:00:00Z", "time > 2026-01-02T00:00:00Z"],
      'the token expires before it becomes valid: "time < 2026-01-01T00:00:00Z" and "time > 2026-01-02T00:00:00Z"',
    ],
    [
      ["time > 2026-01-01T00:00:00Z", "time > 2026-01-03T00:00:00Z", "time < 2026-01-02T00:00:00Z"],
      'the token expires before it becomes valid: "time > 2026-01-03T00:00:00Z" and "time < 2026-01-02T00:00:00Z"',
    ],
    [
      ["time > 2026-01-01T00:00:00Z", "time < 2026-01-01T00:00:00Z"],
      'the token expires before it becomes valid: "time > 2026-01-01T00:00:00Z" and "time < 2026-01-01T00:00:00Z"',
    ],
    [
      ["agent = a", "depth <= 1", "agent = b", "depth <= 0", "agent = c"],
      'the token was handed on more often than it allows: "depth <= 1"',
    ],
    [["uses <= 0", "rate <= 1/m"], 'the token allows no call at all: "uses <= 0"'],
    [
      ["rate <= 0/m", "uses <= 1", "uses <= 0", "uses <= 0"],
      'the token allows no call at all: "rate <= 0/m", "uses <= 0" and "uses <= 0"',
    ],
    [
      ["uses <= 0", "uses <= 0", "rate <= 0/m", "rate <= 0/h"],
      'the token allows no call at all: "uses <= 0", "uses <= 0", "rate <= 0/m" and 1 more',
    ],
    [
      ["aud = https://a.example", "aud in https://b.example, https://c.example", "aud = https://c.example"],
      'no resource is named by all of: "aud = https://a.example" and "aud in https://b.example, https://c.example"',
    ],
    [
      ["aud in a, b", "aud in b, c", "aud in c, a"],
      'no resource is named by all of: "aud in a, b", "aud in b, c" and "aud in c, a"',
    ],
    [
      ["args = x", "args.to = acme"],
      'args can\'t be both a value and an object: "args = x" and "args.to = acme"',
    ],
    [
      ["tool matches a", "tool matches b"],
      'no value of tool satisfies all of: "tool matches a" and "tool matches b"',
    ],
    [["x in b, a", "x not in a, b"], 'no value of x satisfies all of: "x in b, a" and "x not in a, b"'],
    [["x matches a//b"], 'no value of x satisfies: "x matches a//b"'],
    [
      ["x > 2027-01-01T00:00:00Z", "x < 2026-01-01T00:00:00Z"],
      'no value of x satisfies all of: "x > 2027-01-01T00:00:00Z" and "x < 2026-01-01T00:00:00Z"',
    ],
    [["x != 9", "x matches a//b"], 'no value of x satisfies: "x matches a//b"'],
    [["x matches a//b", "x != 9"], 'no value of x satisfies: "x matches a//b"'],
    [["x != 1", "x.y = 1", "x != 2"], 'x can\'t be both a value and an object: "x != 1" and "x.y = 1"'],
  ])("of %j: %s", (caveats, detail) => {
    expect(contradictions(caveats.map(compileCaveat)).map((warning) => warning.detail)).toEqual([detail]);
  });

  test("are told in the order of the chain", () => {
    expect(
      found(
        "action = read",
        "time > 2026-01-02T00:00:00Z",
        "x.y = 1",
        "uses <= 0",
        "time < 2026-01-01T00:00:00Z",
        "tool = a",
        "tool = b",
        "action = write",
        "x = 1",
      ),
    ).toEqual([[0, 7], [1, 4], [2, 8], [3], [5, 6]]);
  });

  test("name all that they follow from", () => {
    const texts = ["action = pay", "when action = pay then args.amount <= 5", "args.amount >= 6"];
    expect(contradictions(texts.map(compileCaveat)).map(({ detail }) => detail)).toEqual([
      'no value of args.amount satisfies all of: "action = pay", "when action = pay then args.amount <= 5" and "args.amount >= 6"',
    ]);
  });

  test("are not claimed of what could pass, however little work is allowed", () => {
    const caveats = ["x in a, b, c", "x != d", "x not in e, f", "x matches *"].map(parseCaveat);
    const known = caveats.filter((caveat) => caveat !== undefined && "attribute" in caveat);
    for (let allowance = 0; allowance < 300; allowance++) {
      expect(impossible(known, newWork(allowance)), `${allowance}`).toBe(false);
    }
  });

  // 16 for each item, 100 for each block and 64 for each pair of them; then the cost of clearing the values that are left.
  test.each<[number, readonly string[]]>([
    [4 * 16, ["x in a, b", "x in c, d"]],
    [2 * 16, ["x <= 1", "x >= 2"]],
    [2 * 16, ["x matches a*", "x matches b*"]],
    [2 * 16, ["x within ::/0", "x < 5"]],
    [2 * 16 + 2 + (1 + 150) + (2 + 150), ["x = a", "x != a"]],
    [4 * 16 + 2 * (2 + 2) + 2 * (1 + 150) + 2 * (2 + 2 + 150), ["x in a, b", "x not in a, b"]],
    [3 * 16 + 3 * 100 + 2 * 64, ["x within 10.0.0.0/8", "x within 11.0.0.0/8, 12.0.0.0/8"]],
    [
      5 * 16 + 5 * 100 + (4 + 1) * 64,
      ["x within 10.0.0.0/8, 11.0.0.0/8", "x within 11.0.0.0/8, 12.0.0.0/8", "x within 10.0.0.0/8"],
    ],
    [2 * 16 + 9 + 25 + 4, ["x within 10.0.0.0/8", "x = 11.0.0.1"]],
  ])("are found with work of %i, and no less, in %j", (work, texts) => {
    const caveats = texts.map(parseCaveat).filter((caveat) => caveat !== undefined && "attribute" in caveat);
    expect(impossible(caveats, newWork(work))).toBe(true);
    expect(impossible(caveats, newWork(work - 1))).toBe(false);
  });

  test("are not claimed of a limit on some calls while it is not sure that it limits all", () => {
    const known = ["a in x, y", "when a in x, y, z then b = 1", "when a = x then c = 1"].map(
      (text, index) => ({
        index,
        caveat: parseCaveat(text) ?? expect.fail("no caveat"),
      }),
    );
    // Reading three values in every way, then two more to be held against them, and the same of one.
    const cost = 3 * (1 + 150) + 2 * (2 + 3 + 150) + (1 + 150) + 2 * (2 + 150);
    const foundWith = (work: number) =>
      testsOfEveryCall(known, newWork(work)).map(({ because }) => because.length);
    expect(foundWith(cost)).toEqual([1, 2]);
    const first = 3 * (1 + 150) + 2 * (2 + 3 + 150);
    expect(foundWith(first)).toEqual([1, 2]);
    for (let work = 0; work < first; work++) expect(foundWith(work)).toEqual([1]);
  });

  test("of no caveat at all are none", () => {
    expect(impossible([], newWork())).toBe(false);
  });

  test("take bounded time on hostile chains, and do not warn for want of it", () => {
    const many = (of: (index: number) => string): string =>
      Array.from({ length: 600 }, (_, index) => of(index)).join(", ");
    const lists = Array.from({ length: 256 }, (_, index) => `x not in ${many((item) => `${item}.${index}`)}`);
    const blocks = Array.from(
      { length: 256 },
      (_, index) => `ip within ${many((item) => `10.${index}.${item % 256}.0/24`)}`,
    );
    const limits = Array.from(
      { length: 256 },
      (_, index) => `when l${255 - index} in ${many(String)} then l${256 - index} in ${many(String)}`,
    );
    const begun = `l0 in ${many(String)}`;
    const chain = [`x in ${many(String)}`, ...lists, ...blocks, ...limits, begun].map(compileCaveat);
    const spent = processorTime(() => {
      for (const { indexes } of contradictions(chain)) expect(indexes.length).toBeGreaterThan(0);
    });
    expect(spent).toBeLessThan(5_000);
  });
});

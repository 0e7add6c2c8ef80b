import fc from "fast-check";
import { expect, test } from "vitest";

import { readContext } from "../../src/client/local/context.ts";
import { JsonError } from "../../src/json/error.ts";
import { parseJson } from "../../src/json/parse.ts";

/** What the service would read of a context in a request's body. */
function asSent(context: object): unknown {
  try {
    return parseJson(JSON.stringify(context), { maxDepth: 64 });
  } catch (error) {
    if (error instanceof JsonError || error instanceof TypeError) return undefined;
    throw error;
  }
}

test("a context is read as the service reads it, whatever is in it", () => {
  const leaf = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string(),
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0, 1n, new Date(0), new Map(), Object(1), Object("s")),
  );
  const { any } = fc.letrec((tie) => ({
    any: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie("any")), fc.dictionary(fc.string(), tie("any"))),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.string(), any), (context) => {
      expect(readContext({ x: context })).toEqual(asSent({ x: context }));
    }),
    { numRuns: 60 },
  );
});

class Dressed {
  readonly own = 1;
  get inherited() {
    return 2;
  }
}

test.each<{ readonly name: string; readonly value: unknown }>([
  { name: "minus zero", value: -0 },
  { name: "a number with an exponent", value: 1e300 },
  { name: "no number", value: Number.NaN },
  { name: "infinity", value: Number.POSITIVE_INFINITY },
  { name: "a bigint", value: 1n },
  { name: "undefined", value: undefined },
  { name: "a function", value: () => 1 },
  { name: "a symbol", value: Symbol("s") },
  { name: "a date", value: new Date(0) },
  { name: "a map", value: new Map([["a", 1]]) },
  { name: "an instance", value: new Dressed() },
  { name: "what says itself how it is written", value: { toJSON: () => "other" } },
  { name: "a list that says so", value: Object.assign([1], { toJSON: () => "other" }) },
  { name: "a member named toJSON", value: { toJSON: "text" } },
  { name: "a member named __proto__", value: JSON.parse('{"__proto__":{"a":1}}') },
  { name: "a list with holes", value: Object.assign(Array(3), { 0: 1, 2: 2 }) },
  { name: "a lone surrogate", value: "\ud800" },
  { name: "a lone surrogate in a name", value: { "\udfff": 1 } },
  { name: "U+0000", value: "a\0b" },
  { name: "a number as it was written", value: JSON.parse("[1.00]", (_, v) => v) },
  { name: "63 objects within one another", value: nested(63) },
  { name: "64 objects within one another", value: nested(64) },
])("as the service reads it: $name", ({ value }) => {
  expect(readContext({ x: value })).toEqual(asSent({ x: value }));
});

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}

test("circles and more than a request may hold are left to the service", () => {
  const circle: Record<string, unknown> = {};
  circle["own"] = circle;
  expect(readContext(circle)).toBeUndefined();
  expect(readContext({ x: Array(20_000).fill(1) })).toBeUndefined();
});

test.each(["time", "agent", "principal", "platform", "cost", "bh"])("so is the service's own %s", (name) => {
  expect(readContext({ [name]: "x" })).toBeUndefined();
});

test("a getter is asked once, so that nothing is judged but what was read", () => {
  let asked = 0;
  const context = {
    get action() {
      asked++;
      return asked === 1 ? "read" : "write";
    },
  };
  expect(readContext(context)?.get("action")).toBe("read");
  expect(asked).toBe(1);
});

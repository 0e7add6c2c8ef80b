import fc from "fast-check";
import { expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { readVerifyRequest } from "../../src/http/wire/verify-request.ts";
import { JsonError } from "../../src/json/error.ts";
import type { JsonValue } from "../../src/json/value.ts";
import { JsonNumber } from "../../src/json/value.ts";

const names = fc.constantFrom("a", "args", "time", "agent", "cost", "principal", "__proto__", "");
const { value } = fc.letrec<{ value: JsonValue; object: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<JsonValue>(null, true, "", "text", new JsonNumber("1.10"), new JsonNumber("1e999")),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.array(fc.tuple(names, tie("value")), { maxLength: 3 }).map((members) => new Map(members)),
}));

function deep(levels: number): JsonValue {
  let nested: JsonValue = "bottom";
  for (let level = 0; level < levels; level++) nested = new Map([["a", nested]]);
  return nested;
}

function outcome(tree: JsonValue): unknown {
  try {
    return readVerifyRequest(tree);
  } catch (error) {
    if (error instanceof DomainError) return [error.code, error.message, error.member];
    if (error instanceof JsonError) return [error.code, error.message, error.path];
    throw error;
  }
}

/** `dry_run: false` says nothing, but is a member that only the schema knows. */
const bySchema = (members: readonly (readonly [string, JsonValue])[]) =>
  outcome(new Map<string, JsonValue>([...members, ["dry_run", false]]));

test("what is read without the schema is what the schema reads, and refuses", () => {
  const token = fc.oneof(fc.string(), value);
  const context = fc.oneof(value, fc.integer({ min: 60, max: 70 }).map(deep));
  fc.assert(
    fc.property(fc.option(token), fc.option(context), (...[given, facts]) => {
      const members: [string, JsonValue][] = [];
      if (given !== null) members.push(["token", given]);
      if (facts !== null) members.push(["context", facts]);
      expect(outcome(new Map(members))).toEqual(bySchema(members));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["the usual", "t", new Map([["a", "b"]])],
  ["64 deep", "t", deep(64)],
  ["65 deep", "t", deep(65)],
  ["a reserved name", "t", new Map([["time", "x"]])],
  ["no object", "t", []],
  ["no text", new JsonNumber("1"), new Map()],
] as const)("%s is read in both ways alike", (_, token, context) => {
  const members = [
    ["token", token],
    ["context", context],
  ] as const;
  expect(outcome(new Map<string, JsonValue>(members))).toEqual(bySchema(members));
});

import fc from "fast-check";
import { expect, test } from "vitest";

import { chargeKey } from "../../src/domain/budget/question.ts";
import { parseJson } from "../../src/json/parse.ts";
import type { JsonObject, JsonValue } from "../../src/json/value.ts";
import { turnsDuring } from "../support/turns.ts";

function questionOf(context: JsonValue) {
  const asked = { link: "l", discharges: ["b", "a"], cost: new Map(), reserve: undefined };
  return chargeKey(
    { platform: "shop", resource: undefined, chargeId: "c-1" },
    { ...asked, context: context as JsonObject },
  );
}
const hashOf = async (context: JsonValue) =>
  Buffer.from((await questionOf(context)).question).toString("hex");

/** The same value with the members of its objects the other way round. */
function turned(value: JsonValue): JsonValue {
  if (value instanceof Map) return new Map([...value].reverse().map(([name, one]) => [name, turned(one)]));
  return Array.isArray(value) ? value.map(turned) : value;
}

const anyContext = fc
  .dictionary(fc.string(), fc.jsonValue(), { maxKeys: 8 })
  .map((value) => JSON.stringify(value));

test("a context is the same question in any order of its members, and another one is another", async () => {
  await fc.assert(
    fc.asyncProperty(anyContext, anyContext, async (one, other) => {
      const [a, b] = [parseJson(one), parseJson(other)];
      expect(await hashOf(turned(a))).toBe(await hashOf(a));
      const isSame = (await hashOf(a)) === (await hashOf(b));
      if (isSame) expect(JSON.parse(one)).toEqual(JSON.parse(other));
    }),
  );
});

test.each(["[]", "{}", '{"b":1}', '["b",1]', '[["b"],1]', "[[],{}]", "[{},[]]", '"[]"', "1", '"1"'])(
  "%s is no other value",
  async (text) => {
    const others = ["[]", "{}", '{"b":1}', '["b",1]', '[["b"],1]', "[[],{}]", "[{},[]]", '"[]"', "1", '"1"'];
    const hashes = await Promise.all(others.map((one) => hashOf(parseJson(`{"a":${one}}`))));
    const same = await hashOf(parseJson(`{"a":${text}}`));
    expect(hashes.filter((one) => one === same)).toHaveLength(1);
  },
);

test("a large context is hashed in turns, whatever the order of its members", async () => {
  const names = Array.from({ length: 60_000 }, (_, n) => ((n * 7_919) % 60_000).toString(36));
  const context = new Map(names.map((name) => [name, "1"] as const));
  const work = questionOf(context);
  expect(await turnsDuring(work)).toBeGreaterThan(60);
  const sorted = new Map([...context].sort(([a], [b]) => (a < b ? -1 : 1)));
  expect(await questionOf(sorted)).toEqual(await work);
});

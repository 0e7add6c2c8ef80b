import { expect, test } from "vitest";

import { JsonError } from "../../src/json/error.ts";
import { parseJson } from "../../src/json/parse.ts";
import { toPlain } from "../../src/json/plain.ts";

function refusal(run: () => unknown): JsonError {
  try {
    run();
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error("not refused");
}

test.each([
  ["1", 1],
  ["[1,2]", 3],
  ['{"a":{"b":[null]}}', 4],
])("every value of %s counts", (text, values) => {
  expect(() => parseJson(text, { maxValues: values })).not.toThrow();
  expect(refusal(() => parseJson(text, { maxValues: values - 1 })).code).toBe("too_many");
});

test("the first value too many is named", () => {
  expect(refusal(() => parseJson('{"a":[1,2,3]}', { maxValues: 4 }))).toMatchObject({
    path: "a[2]",
    offset: 10,
    message: "more than 4 values in a[2] at offset 10",
  });
});

test("an array is no longer than plain data may be", () => {
  const tree = parseJson('{"a":[1,[2,3,4]]}');
  expect(toPlain(tree, { elements: 3, members: 1 })).toEqual({ a: [1, [2, 3, 4]] });
  expect(refusal(() => toPlain(tree, { elements: 2, members: 1 }))).toMatchObject({
    code: "too_many",
    path: "a[1]",
    message: "more than 2 elements in a[1]",
  });
});

test("an object has no more members than plain data may have", () => {
  const tree = parseJson('[{"a":1,"b":2}]');
  expect(toPlain(tree, { elements: 9, members: 2 })).toEqual([{ a: 1, b: 2 }]);
  expect(refusal(() => toPlain(tree, { elements: 9, members: 1 }))).toMatchObject({
    code: "too_many",
    path: "[0]",
    message: "more than 1 members in [0]",
  });
});

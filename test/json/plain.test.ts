import { expect, test } from "vitest";

import { JsonError } from "../../src/json/error.ts";
import { parseJson } from "../../src/json/parse.ts";
import { toPlain } from "../../src/json/plain.ts";

test("a member named __proto__ is a member like any other", () => {
  const plain = toPlain(parseJson('{"__proto__":{"admin":true},"toString":1}')) as Record<string, unknown>;
  expect(Object.getPrototypeOf(plain)).toBeNull();
  expect(Object.keys(plain)).toEqual(["__proto__", "toString"]);
  expect("admin" in plain).toBe(false);
  expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
});

test("members can be written and removed like any own member", () => {
  const plain = toPlain(parseJson('{"a":1}')) as Record<string, unknown>;
  expect(Object.getOwnPropertyDescriptor(plain, "a")).toEqual({
    value: 1,
    writable: true,
    enumerable: true,
    configurable: true,
  });
});

test("numbers become doubles, and lose the digits that doubles lose", () => {
  expect(toPlain(parseJson("[1.50, 12345678901234567890, -0, 5e-324, 1e-999]"))).toEqual([
    1.5, 12345678901234567000, -0, 5e-324, 0,
  ]);
});

test.each(["1e309", "-1e309", "9".repeat(400)])("a number beyond the doubles is refused: %s", (text) => {
  try {
    toPlain(parseJson(`{"a":[0,${text}]}`));
  } catch (error) {
    expect(error).toBeInstanceOf(JsonError);
    expect(error).toMatchObject({
      code: "number_range",
      path: "a[1]",
      message: "number is out of range in a[1]",
    });
    return;
  }
  throw new Error("was accepted");
});

test("a number beyond the doubles is placed, whatever stands before it", () => {
  const text = '{"a":{"b":[1,{}]},"c":[{"d":0},[2],{"e":1e999}]}';
  expect(() => toPlain(parseJson(text))).toThrow("number is out of range in c[2].e");
  expect(() => toPlain(parseJson(text), undefined, ["items", 3])).toThrow("in items[3].c[2].e");
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { beginCount } from "../../src/json/count.ts";
import { JsonError } from "../../src/json/error.ts";
import { parseJson } from "../../src/json/parse.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function count(text: string, most: number): true | JsonError {
  const { step } = beginCount(bytesOf(text), most);
  try {
    for (;;) if (step() === true) return true;
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
}

describe("counting the values of a text before any is made", () => {
  test.each([
    ['{"a":[1,2,3]}', 3, true],
    ['{"a":[1,2,3]}', 2, "a"],
    ['{"b":1,"a":[{"c":[1,2,3]}]}', 3, "a"],
    ['{"é":[1,2,3]}', 2, '["\\u00e9"]'],
    ['{"b":[{}],"a":[1,2,3]}', 3, "a"],
    ['{"b":{"c":[]},"a":{"d":1,"e":2}}', 2, "a"],
    ['{"b":null,"a":[true,false,3]}', 3, "a"],
    ['{"":[1,2,3]}', 2, ""],
    [`{"${"a".repeat(256)}\\n":[1,2,3]}`, 2, `${"a".repeat(32)}…`],
    [`{"${"a".repeat(255)}\\n":[1,2,3]}`, 2, ""],
    ['{"a,,,,":",,,\\",,,"}', 1, true],
    ['{"a":1,"b":2,"c":3}', 2, ""],
    ['{"\\u0061":[1,2,3]}', 2, ""],
    // A backslash that is escaped escapes nothing.
    ['{"a":"\\\\","b":[1,2,3]}', 3, "b"],
    ['{"a":"\\\\","b":[1,2,3]}', 4, true],
    ['{"a":"\\\\\\",,,","b":[1]}', 2, true],
    ['{"a":1,"b', 1, ""],
    ['{"a":[1,"b', 1, "a"],
    ["[1,2,3]", 2, ""],
    ["[[1,2,3]]", 2, ""],
  ] as const)("%s with at most %i", (text, most, expected) => {
    const counted = count(text, most);
    expect(counted === true ? true : counted.path).toEqual(expected);
  });

  test("a text of many steps, with an escape and a string across their border", () => {
    const step = 128 * 1024;
    for (const shift of [-2, -1, 0, 1]) {
      const start = '{"a":"';
      const text = `${start}${"x".repeat(step - start.length + shift)}\\",${"x".repeat(step)}","b":[1,2,3]}`;
      expect(count(text, 4)).toBe(true);
      expect(count(text, 3)).toMatchObject({ code: "too_many", path: "b" });
    }
  });

  test("takes a step for each 128 KiB", () => {
    const steps = (bytes: number) => {
      const { step } = beginCount(bytesOf("1".repeat(bytes)), 1);
      return [step(), step(), step()];
    };
    expect(steps(3 * 128 * 1024)).toEqual([undefined, undefined, true]);
    expect(steps(3 * 128 * 1024 + 1)).toEqual([undefined, undefined, undefined]);
  });

  test("a short string across a border of steps, wherever it lies there", () => {
    for (let shift = 0; shift < 12; shift++) {
      const text = `[${" ".repeat(128 * 1024 - shift - 1)}"ab\\\\\\",","c,",1,2]`;
      expect(count(text, 4), String(shift)).toBe(true);
      expect(count(text, 3), String(shift)).toMatchObject({ code: "too_many" });
    }
  });

  test("commas outside of strings count, of whatever escapes and length they are", () => {
    const piece = fc.constantFrom('"', "\\", ",", "[", "x".repeat(7), "x".repeat(31), "x".repeat(32));
    const string = fc.array(piece, { maxLength: 12 }).map((all) => all.join(""));
    fc.assert(
      fc.property(fc.array(string, { minLength: 2, maxLength: 6 }), (strings) => {
        const text = JSON.stringify({ a: strings });
        expect(count(text, strings.length)).toBe(true);
        expect(count(text, strings.length - 1)).toMatchObject({ code: "too_many", path: "a" });
      }),
      { numRuns: 1_000 },
    );
  });

  test("refuses no text that the parser keeps", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.integer({ min: 1, max: 30 }), (text, most) => {
        let isKept = true;
        try {
          parseJson(bytesOf(text), { maxValues: most });
        } catch {
          isKept = false;
        }
        if (isKept) expect(count(text, most)).toBe(true);
      }),
    );
  });
});

test("a string of nothing but escapes is counted in steps, too", () => {
  const { step } = beginCount(new TextEncoder().encode(`["${'\\"'.repeat(512 * 1024)}"]`), 10);
  let steps = 1;
  while (step() === undefined) steps += 1;
  // A step is 128 KiB, so that others have a turn: in one go a batch of 16 MiB takes a third of a second.
  expect(steps).toBeGreaterThan(4);
});

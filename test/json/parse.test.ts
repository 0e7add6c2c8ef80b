import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { JsonError, type JsonErrorCode } from "../../src/json/error.ts";
import { parseJson } from "../../src/json/parse.ts";
import { toPlain } from "../../src/json/plain.ts";
import { JsonNumber } from "../../src/json/value.ts";
import { processorTime } from "../support/processor-time.ts";

function refusal(read: () => unknown): JsonError {
  try {
    read();
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error("was accepted");
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("what is read", () => {
  test.each([
    ["null", null],
    ["true", true],
    [" \t\r\n false \n", false],
    ['""', ""],
    ['"a\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\ude00"', 'a"\\/\b\f\n\r\té😀'],
    ['"é😀\u2028\ufeff\uffff"', "é😀\u2028\ufeff\uffff"],
    ['"\\n b\ud7ff\ue000\uffff\\ud7ff\\ue000\\uffff"', "\n b\ud7ff\ue000\uffff\ud7ff\ue000\uffff"],
    ['"\\u000A\\u00aF\\u0fF9"', "\n\u00af\u0ff9"],
    ["[]", []],
    ["[ ]", []],
    ["[1,[2],{}]", [new JsonNumber("1"), [new JsonNumber("2")], new Map()]],
    ["{}", new Map()],
    ['{ "a" : { "b" : [ true ] } }', new Map([["a", new Map([["b", [true]]])]])],
    ['{"":0}', new Map([["", new JsonNumber("0")]])],
    [
      '{"__proto__":1,"constructor":2}',
      new Map([
        ["__proto__", new JsonNumber("1")],
        ["constructor", new JsonNumber("2")],
      ]),
    ],
  ])("%s", (text, value) => {
    expect(parseJson(text)).toEqual(value);
    expect(parseJson(utf8(text))).toEqual(value);
  });

  test.each([
    "0",
    "-0",
    "10",
    "1.50",
    "1e5",
    "1E+05",
    "-1.0e-0",
    "123456789012345678901234567890.10",
    "1e999",
  ])("the number %s keeps its text", (text) => expect(parseJson(` ${text} `)).toEqual(new JsonNumber(text)));
});

describe("what is refused", () => {
  test.each<[string, string, JsonErrorCode, string, number | undefined]>([
    ["nothing", "", "syntax", "", 0],
    ["white space alone", "  ", "syntax", "", 2],
    ["two values", "1 2", "syntax", "", 2],
    ["a comma at the end of an array", "[1,]", "syntax", "[1]", 3],
    ["a comma at the end of an object", '{"a":1,}', "syntax", "", 7],
    ["an array without end", "[1", "syntax", "", 2],
    ["an object without end", '{"a":1', "syntax", "", 6],
    ["a value missing", '{"a":}', "syntax", "a", 5],
    ["a colon missing", '{"a" 1}', "syntax", "a", 5],
    ["a member name without quotes", "{a:1}", "syntax", "", 1],
    ["a single quote", "'a'", "syntax", "", 0],
    ["a comment", "/**/1", "syntax", "", 0],
    ["half a word", "tru", "syntax", "", 0],
    ["another word", "NaN", "syntax", "", 0],
    ["a leading zero", "01", "syntax", "", 1],
    ["a leading plus", "+1", "syntax", "", 0],
    ["a lone minus", "-", "syntax", "", 1],
    ["a number ending in a point", "1.", "syntax", "", 2],
    ["a number beginning with a point", ".1", "syntax", "", 0],
    ["an exponent without digits", "1e+", "syntax", "", 3],
    ["hexadecimal", "0x10", "syntax", "", 1],
    ["the character behind the digits", "[1:]", "syntax", "", 2],
    ["a digit of another script", "١", "syntax", "", 0],
    ["a no-break space", "\u00a01", "syntax", "", 0],
    ["a string without end", '["abc', "syntax", "[0]", 5],
    ["a raw newline in a string", '"a\nb"', "syntax", "", 2],
    ["an unknown escape", '"\\x41"', "syntax", "", 1],
    ["another letter before four hex digits", '"\\x0041"', "syntax", "", 1],
    ["a short unicode escape", '"\\u12g4"', "syntax", "", 1],
    ["the character behind the digits, in an escape", '"\\u123:"', "syntax", "", 1],
    ["the character before the digits, in an escape", '"\\u123/"', "syntax", "", 1],
    ["the character before the letters, in an escape", '"\\u123@"', "syntax", "", 1],
    ["a backslash at the end", '"\\', "syntax", "", 1],
    ["a duplicate member", '{"a":1,"b":{},"a":2}', "duplicate_member", "a", 14],
    [
      "a duplicate member under an escape",
      '{"x":[{"ab":1,"\\u0061b":2}]}',
      "duplicate_member",
      "x[0].ab",
      14,
    ],
    ["a duplicate __proto__", '{"__proto__":1,"__proto__":1}', "duplicate_member", "__proto__", 15],
    ["a raw high surrogate", '"\ud800"', "lone_surrogate", "", 1],
    ["a raw low surrogate", '"a\udc00"', "lone_surrogate", "", 2],
    ["two raw low surrogates", '"\udc00\udc00"', "lone_surrogate", "", 1],
    ["a raw space before a low surrogate", '" \udc00"', "lone_surrogate", "", 2],
    ["the last surrogate, raw", '"\udfff"', "lone_surrogate", "", 1],
    ["a raw high surrogate before what is none", '"\ud800\ue000"', "lone_surrogate", "", 1],
    ["a raw high surrogate before another", '"\ud800\udbff"', "lone_surrogate", "", 1],
    ["the last surrogate, escaped", '"\\udfff"', "lone_surrogate", "", 1],
    ["an escaped high surrogate before what is none", '"\\ud800\\ue000"', "lone_surrogate", "", 1],
    ["two escaped low surrogates", '"\\udc00\\udc00"', "lone_surrogate", "", 1],
    [
      "an escaped high surrogate before an escape without a backslash",
      '"\\ud83dxude00"',
      "lone_surrogate",
      "",
      1,
    ],
    ["an escaped high surrogate before four digits after no u", '"\\ud83d\\nde00"', "lone_surrogate", "", 1],
    ["an escaped high surrogate before another", '"\\udbff\\udbff"', "lone_surrogate", "", 1],
    ["an escaped high surrogate", '"\\ud800"', "lone_surrogate", "", 1],
    ["an escaped low surrogate", '"\\udc00"', "lone_surrogate", "", 1],
    ["two escaped high surrogates", '"\\ud800\\ud800"', "lone_surrogate", "", 1],
    ["an escaped high one with a raw low one", '"\\ud83d\ude00"', "lone_surrogate", "", 1],
    ["a raw high one with an escaped low one", '"\ud83d\\ude00"', "lone_surrogate", "", 1],
    ["a surrogate in a member name", '{"a":{"\\ud800":1}}', "lone_surrogate", "a", 7],
    ["a raw NUL", '["a\u0000"]', "nul", "[0]", 3],
    ["an escaped NUL", '{"k":"\\u0000"}', "nul", "k", 6],
    ["a NUL in a member name", '{"\\u0000":1}', "nul", "", 2],
    ["a byte order mark", "\ufeff1", "encoding", "", 0],
  ])("%s", (_name, text, code, path, offset) => {
    const error = refusal(() => parseJson(text));
    expect({ code: error.code, path: error.path, offset: error.offset }).toEqual({ code, path, offset });
  });

  test.each([
    ["an overlong form", [0x22, 0xc0, 0xaf, 0x22]],
    ["an encoded surrogate", [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ["a cut sequence", [0x22, 0xe2, 0x82, 0x22]],
    ["a byte past U+10FFFF", [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x31]],
    ["UTF-16", [0xff, 0xfe, 0x31, 0x00]],
  ])("bytes with %s", (_name, bytes) => {
    expect(refusal(() => parseJson(Uint8Array.from(bytes))).code).toBe("encoding");
  });
});

describe("flaws that leave the grammar whole", () => {
  const flawsIn = (text: string) => {
    const flaws: string[] = [];
    const value = parseJson(text, {
      maxDepth: 4,
      onFlaw: ({ code, path }) => flaws.push(`${code} ${path.join(".")}`),
    });
    return { value: toPlain(value), flaws };
  };

  test.each([
    ['["a\u0000",1]', ["nul 0"], ["a\0", 1]],
    ['["a\\u0000b",1]', ["nul 0"], ["a\0b", 1]],
    ['["\\ud800x","\ud800",1]', ["lone_surrogate 0", "lone_surrogate 1"], ["\ufffdx", "\ud800", 1]],
    ['[{"a":1,"a":2},3]', ["duplicate_member 0.a"], [{ a: 2 }, 3]],
    ['[[[[[1,"]"],{"[":"\\""}]]],2]', ["too_deep 0.0.0.0", "too_deep 0.0.0.1"], [[[[null, null]]], 2]],
  ])("%j is read to its end", (text, flaws, value) => {
    expect(flawsIn(text)).toEqual({ value, flaws });
  });

  test.each(['[[[[["]]]]]', "[[[[[", "[[[[[1]]]]", '["\\ud800]'])("%j is refused all the same", (text) => {
    expect(() => flawsIn(text)).toThrow(JsonError);
  });

  test("without a taker the first of them is refused", () => {
    expect(refusal(() => parseJson('["\\u0000"]')).code).toBe("nul");
  });
});

describe("depth", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

  test("128 levels are read and the 129th is not", () => {
    expect(parseJson(nested(128))).toBeInstanceOf(Array);
    expect(refusal(() => parseJson(nested(129)))).toMatchObject({ code: "too_deep", offset: 128 });
    expect(refusal(() => parseJson('{"a":'.repeat(129))).code).toBe("too_deep");
  });

  test("a million brackets cost neither the stack nor the time", () => {
    expect(refusal(() => parseJson("[".repeat(1_000_000))).code).toBe("too_deep");
  });

  test("the limit can be set, within what the stack holds", () => {
    expect(refusal(() => parseJson("[[1]]", { maxDepth: 1 })).code).toBe("too_deep");
    expect(parseJson("1", { maxDepth: 0 })).toEqual(new JsonNumber("1"));
    expect(toPlain(parseJson(nested(1_000), { maxDepth: 1_000 }))).toBeInstanceOf(Array);
    for (const maxDepth of [-1, 1_001, Number.NaN]) {
      expect(() => parseJson("1", { maxDepth })).toThrow(RangeError);
    }
  });
});

describe("error messages", () => {
  test.each<[string, string]>([
    ["", "text ends early at offset 0"],
    ["[", "text ends early in [0] at offset 1"],
    ["x", "no value begins here at offset 0"],
    ["1 2", "text after the value at offset 2"],
    ["[[[1]]]", "nested deeper than 2 in [0][0] at offset 2"],
    ['{"a":1,"a":2}', "duplicate member in a at offset 7"],
    ['["\ud800"]', "surrogate without its pair in [0] at offset 2"],
    ['["\\ud800"]', "surrogate without its pair in [0] at offset 2"],
    ["\ufeff", "byte order mark at offset 0"],
  ])("%j: %s", (text, message) => {
    expect(refusal(() => parseJson(text, { maxDepth: 2 }))).toMatchObject({ name: "JsonError", message });
  });

  test("bytes that are no text have no place", () => {
    const error = refusal(() => parseJson(Uint8Array.of(0xff)));
    expect(error).toMatchObject({ message: "text is not utf-8", path: "", offset: undefined });
  });

  test("name the place and never a value", () => {
    const error = refusal(() => parseJson('{"context":{"args":[0,1,{"amount":"hunter2\\u0000"}]}}'));
    expect(error.message).toBe("U+0000 in a string in context.args[2].amount at offset 42");
    const other = refusal(() => parseJson('{"password":"hunter2" "hunter3"}'));
    expect(other.message).not.toContain("hunter");
  });

  test.each([
    ['{"a b":-}', '["a b"]'],
    ['{"1a":-}', '["1a"]'],
    ['{"_-9":-}', "_-9"],
    ['{"a\\"b":-}', '["a\\"b"]'],
    ['{"\\u001b[2J":-}', '["\\u001b[2J"]'],
    ['{"\u202e\\n😀":-}', '["\\u202e\\n\\ud83d\\ude00"]'],
    ['{"":-}', '[""]'],
    [`{"${"x".repeat(33)}":-}`, `${"x".repeat(32)}…`],
    [`{"${"é".repeat(33)}":-}`, `["${"\\u00e9".repeat(32)}"…]`],
    [`${"[".repeat(8)}-`, "[0][0][0][0][0][0][0][0]"],
    [`${"[".repeat(9)}-`, "[0][0][0][0][0][0][0][0]…"],
  ])("%s is placed at %s", (text, path) => {
    expect(refusal(() => parseJson(text)).path).toBe(path);
  });
});

describe("beside JSON.parse", () => {
  test("escapes and the runs between them are read wherever what is gathered is full", () => {
    const run = `${"x".repeat(64)}\\ud83d\\ude00`;
    for (let before = 0; before < 67; before++) {
      const text = `"${"\\n".repeat(before)}${run.repeat(70)}${"x".repeat(65)}\\n"`;
      expect(parseJson(text)).toBe(JSON.parse(text));
    }
  });

  test("what JSON.stringify writes reads back the same", () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false }),
        fc.constantFrom(undefined, 1, "\t"),
        (value, space) => {
          const text = JSON.stringify(value, undefined, space);
          fc.pre(text.isWellFormed() && !/\\u0000|\\ud[89a-f]/.test(text));
          expect(JSON.stringify(toPlain(parseJson(text)))).toBe(JSON.stringify(JSON.parse(text)));
          expect(parseJson(utf8(text))).toEqual(parseJson(text));
        },
      ),
    );
  });

  test("nothing is read that JSON.parse refuses, and never is anything but a JsonError thrown", () => {
    const token = fc.constantFrom(
      ...'{}[],:"\\ 0123456789+-.eEtrufalsn\n\u0000\ud800\u00e9'.split(""),
      "true",
      "null",
      '"a"',
      "\\u0061",
    );
    fc.assert(
      fc.property(
        fc.array(token, { maxLength: 24 }).map((parts) => parts.join("")),
        (text) => {
          let mine: unknown;
          try {
            mine = toPlain(parseJson(text));
          } catch (error) {
            expect(error).toBeInstanceOf(JsonError);
            return;
          }
          expect(JSON.stringify(mine)).toBe(JSON.stringify(JSON.parse(text)));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test("random bytes give a value or a JsonError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          parseJson(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(JsonError);
        }
      }),
    );
  });
});

describe("hostile texts of a mebibyte take no more than their share of time", () => {
  const size = 1 << 20;
  test.each([
    ["escapes", `"${"\\n".repeat(size / 2)}"`],
    ["surrogate escapes", `"${"\\ud83d\\ude00".repeat(size / 12)}"`],
    ["digits", "9".repeat(size)],
    ["elements", `[${"0,".repeat(size / 2)}0]`],
    ["members", `{${Array.from({ length: size / 16 }, (_, index) => `"${index}":0`).join(",")}}`],
    ["white space", `[${" ".repeat(size)}]`],
  ])("%s", (_name, text) => {
    expect(processorTime(() => parseJson(text))).toBeLessThan(2_000);
  });
});

describe("U+0000, for formats that carry bytes as text", () => {
  test("is read as an escape where that is asked for, and raw never", () => {
    expect(parseJson('"\\u0003\\u0000"', { allowNul: true })).toBe("\u0003\u0000");
    expect(refusal(() => parseJson('"\u0000"', { allowNul: true })).code).toBe("nul");
  });
});

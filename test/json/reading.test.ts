import fc from "fast-check";
import { expect, test } from "vitest";

import { JsonError } from "../../src/json/error.ts";
import { type JsonOptions, newReader, parseJson } from "../../src/json/parse.ts";
import { toPlain } from "../../src/json/plain.ts";
import type { JsonFlaw } from "../../src/json/reader.ts";
import { beginJson } from "../../src/json/reading.ts";
import { stepper } from "../../src/json/steps.ts";
import type { JsonValue } from "../../src/json/value.ts";

const MIB = 1024 * 1024;

const utf8 = (text: string) => new TextEncoder().encode(text);

/** What comes of reading: the value and the flaws, or the refusal. */
function outcome(read: (options: JsonOptions) => JsonValue) {
  const flaws: JsonFlaw[] = [];
  try {
    return { value: read({ onFlaw: (flaw) => flaws.push(flaw) }), flaws };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { code: error.code, message: error.message, offset: error.offset, flaws };
  }
}

function inSteps(bytes: Uint8Array, options: JsonOptions & { readonly maxToken: number }): JsonValue {
  const reading = beginJson(bytes, options);
  for (;;) {
    const done = reading.step();
    if (done !== undefined) return done.value;
  }
}

/** Reads a text that comes in small pieces, a few characters a step. */
function inPieces(
  text: string,
  size: number,
  options: JsonOptions & { readonly maxToken: number },
): JsonValue {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
  const [first = "", ...rest] = pieces;
  const readOn = stepper(newReader(first, rest, options));
  for (;;) {
    const done = readOn(size);
    if (done !== undefined) return done.value;
  }
}

const space = fc.constantFrom("", "", " ", "\n\t ");
const scalar = fc.oneof(
  fc.constantFrom(
    "null",
    "true",
    "false",
    "0",
    "-1.5e+3",
    '""',
    '"\\u00e9\\n\\ud83d\\ude00"',
    '"\\u0000"',
    '"\\udc00"',
    '"a\ud800"',
  ),
  fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
);
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    scalar,
    fc
      .tuple(space, fc.array(tie("json"), { maxLength: 5 }))
      .map(([s, all]) => `[${s}${all.join(`${s},`)}${s}]`),
    fc
      .tuple(
        space,
        fc.array(fc.tuple(fc.constantFrom("a", "b", "\\u0061", "é"), tie("json")), { maxLength: 5 }),
      )
      .map(([s, all]) => `{${s}${all.map(([name, value]) => `"${name}"${s}:${value}`).join(`,${s}`)}}`),
  ),
}));
/** JSON, and texts that are JSON but for one place. */
const nearlyJson = fc.oneof(
  json,
  fc
    .tuple(json, fc.nat(), fc.constantFrom("", "]", "}", ",", '"', "1", "\\", "\u0000"))
    .map(([text, at, other]) => {
      const place = at % (text.length + 1);
      return text.slice(0, place) + other + text.slice(place + 1);
    }),
);

test("a text that comes in pieces and is read in steps gives what it gives at once", () => {
  fc.assert(
    fc.property(
      nearlyJson,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 0, max: 4 }),
      (text, size, maxDepth) => {
        // The less a token may have, the shorter are the windows in which the text is read.
        for (const maxToken of [text.length, 30, 12]) {
          const whole = outcome((options) => parseJson(text, { ...options, maxDepth, maxToken }));
          const stepwise = outcome((options) => inPieces(text, size, { ...options, maxDepth, maxToken }));
          expect(stepwise).toEqual(whole);
        }
      },
    ),
  );
});

test("bytes are read in steps as they are at once", () => {
  fc.assert(
    fc.property(fc.oneof(nearlyJson.map(utf8), fc.uint8Array({ maxLength: 20 })), (bytes) => {
      const whole = outcome((options) => parseJson(bytes, options));
      expect(outcome((options) => inSteps(bytes, { ...options, maxToken: MIB }))).toEqual(whole);
    }),
  );
});

/** What one step decodes. */
const PIECE = 256 * 1024;

test("a character that lies across two pieces is one character", () => {
  for (let shift = 0; shift < 4; shift++) {
    const text = JSON.stringify(`${"a".repeat(shift)}${"😀é".repeat(60_000)}`);
    expect(utf8(text).length).toBeGreaterThan(PIECE);
    expect(inSteps(utf8(text), { maxToken: MIB })).toBe(JSON.parse(text));
  }
});

test.each([
  ["in the only piece", 0],
  ["at the end of a whole piece", PIECE - 3],
  ["across two", PIECE - 2],
  ["in the second", PIECE + 5],
])("a character that is cut by the end of the text is no character: %s", (_, length) => {
  const bytes = Buffer.concat([utf8(`"${"a".repeat(length)}`), Uint8Array.of(0xf0, 0x9f)]);
  expect(() => parseJson(bytes)).toThrow(/not utf-8/);
  expect(() => inSteps(bytes, { maxToken: MIB })).toThrow(/not utf-8/);
});

test("a step decodes a piece of the text", () => {
  const cut = beginJson(Buffer.concat([utf8(" ".repeat(2 * PIECE)), Uint8Array.of(0xff)]), { maxToken: MIB });
  expect([cut.step(), cut.step()]).toEqual([undefined, undefined]);
  expect(() => cut.step()).toThrow(/not utf-8/);
});

test.each([
  ["a string", (length: number) => `"${"a".repeat(length)}"`],
  ["a string of escapes", (length: number) => `"${"\\n".repeat(length / 2)}"`],
  ["a number", (length: number) => "1".repeat(length)],
  ["white space", (length: number) => `${" ".repeat(length)}1`],
  ["the name of a member", (length: number) => `{"${"a".repeat(length)}":1}`],
])("%s has at most as many characters as are read in one piece", (_, make) => {
  const options = { maxToken: 1_000 };
  const read = [
    (text: string) => parseJson(text, options),
    (text: string) => inPieces(text, 100, options),
    (text: string) => inSteps(utf8(text), options),
  ];
  for (const one of read) {
    expect(() => one(`[${make(1_000)}]`)).not.toThrow();
    expect(() => one(`[${make(1_002)}]`)).toThrow(/more than 1000 characters in one piece/);
    expect(() => one(`[${make(200_000)}]`)).toThrow(/more than 1000 characters in one piece/);
  }
});

/** The values in a value, itself counted. */
function countOf(value: JsonValue): number {
  if (value === null || typeof value !== "object" || !("values" in value)) return 1;
  let count = 1;
  for (const member of value.values() as Iterable<JsonValue>) count += countOf(member);
  return count;
}

test.each([
  ["values", `[${"1,".repeat(100_000)}1]`],
  ["members", `{${Array.from({ length: 30_000 }, (_, index) => `"${index}":0`).join(",")}}`],
  ["empty arrays", `[${"[],".repeat(60_000)}1]`],
])("a step reads a bounded number of %s", (_, text) => {
  const reader = newReader(text, [], { maxToken: MIB });
  const readOn = stepper(reader);
  const characters = 4 * 1024;
  let steps = 0;
  for (;;) {
    const [values, offset] = [reader.values, reader.offset];
    const done = readOn(characters);
    steps++;
    expect(reader.values - values).toBeLessThanOrEqual(characters / 8 + 2);
    expect(reader.offset - offset).toBeLessThanOrEqual(characters + 32);
    if (done === undefined) continue;
    expect(countOf(done.value)).toBe(reader.values);
    break;
  }
  expect(steps).toBeGreaterThan(20);
});

test.each([
  ["of letters", "a".repeat(MIB)],
  ["of escapes", "\\n".repeat(MIB / 2)],
  ["of escaped letters", "\\u00e9".repeat(MIB / 6)],
  ["of letters beyond ASCII", "é".repeat(MIB)],
  ["of pairs", "😀".repeat(MIB / 2)],
])("a string %s is read in parts, as a value, as a name and where it is passed over", (_, text) => {
  const pieces = (whole: string) => {
    const [first = "", ...rest] = whole.match(/.{1,32768}/gs) ?? [];
    return newReader(first, rest, { maxToken: MIB, maxDepth: 2, onFlaw: () => {} });
  };
  for (const whole of [`["${text}"]`, `{"${text}":1}`, `[[["${text}"]],1]`]) {
    const reader = pieces(whole);
    const readOn = stepper(reader);
    const characters = 32 * 1024;
    let done: ReturnType<typeof readOn>;
    let steps = 0;
    do {
      const at = reader.base + reader.offset;
      done = readOn(characters);
      steps++;
      expect(reader.base + reader.offset - at).toBeLessThanOrEqual(1.5 * characters + 32);
    } while (done === undefined);
    expect(steps).toBeGreaterThan(20);
    expect(toPlain(done.value)).toEqual(JSON.parse(whole.replace(/^\[\[\[.*\]\]/, "[[null]")));
  }
});

test("a number and white space have at most 32 Ki characters, where tokens have a limit", () => {
  const long = 32 * 1024 + 1;
  for (const text of [`[${"1".repeat(long)}]`, `[${" ".repeat(long)}1]`]) {
    expect(() => parseJson(text)).not.toThrow();
    for (const read of [
      parseJson,
      (whole: string, options: JsonOptions & { readonly maxToken: number }) => inSteps(utf8(whole), options),
    ]) {
      expect(() => read(text, { maxToken: MIB })).toThrow(/more than 32768 characters in one piece/);
    }
  }
});

test("an object has at most so many members; one more is its flaw, and is not kept", () => {
  const text = `{"a":{"b":1,"c":2,"d":3,"e":4},"f":5}`;
  for (const read of [
    parseJson,
    (whole: string, options: JsonOptions) => inPieces(whole, 3, { ...options, maxToken: MIB }),
  ]) {
    expect(() => read(text, { maxMembers: 3 })).toThrow(/more than 3 members/);
    const flaws: JsonFlaw[] = [];
    const value = read(text, { maxMembers: 3, onFlaw: (flaw) => flaws.push(flaw) });
    expect(toPlain(value)).toEqual({ a: { b: 1, c: 2, d: 3 }, f: 5 });
    expect(flaws.map(({ code, path }) => [code, path])).toEqual([["too_many", ["a", "e"]]]);
    expect(() => read(text, { maxMembers: 4 })).not.toThrow();
  }
});

test.each([
  ["brackets", `${"[".repeat(300_000)}${"]".repeat(300_000)}`],
  ["values", `[${"1,".repeat(300_000)}1]`],
  ["short strings", `[${'"1",'.repeat(150_000)}1]`],
  ["white space", `[${" ".repeat(600_000)}]`],
])("what is nested too deep is passed over in steps, too: %s", (_, deep) => {
  const text = `[${deep},7]`;
  const flaws: JsonFlaw[] = [];
  const reader = newReader(text, [], { maxDepth: 1, maxToken: MIB, onFlaw: (flaw) => flaws.push(flaw) });
  const readOn = stepper(reader);
  let steps = 0;
  for (;;) {
    const offset = reader.offset;
    const done = readOn(10_000);
    expect(reader.offset - offset).toBeLessThanOrEqual(10_010);
    steps++;
    if (done === undefined) continue;
    expect(done.value).toMatchObject([null, { text: "7" }]);
    break;
  }
  expect(steps).toBeGreaterThan(50);
  expect(flaws.map(({ code }) => code)).toEqual(["too_deep"]);
});

test("white space behind the value is passed over in steps", () => {
  for (const pieces of [[" ".repeat(300_000)], Array<string>(300).fill(" ".repeat(1_000))]) {
    const reader = newReader("1", pieces, { maxToken: 1_000 });
    const readOn = stepper(reader);
    let steps = 0;
    let done: ReturnType<typeof readOn>;
    do {
      const at = reader.base + reader.offset;
      done = readOn(10_000);
      expect(reader.base + reader.offset - at).toBeLessThanOrEqual(10_010);
      steps++;
    } while (done === undefined);
    expect([done.value, steps]).toMatchObject([{ text: "1" }, 30]);
  }
});

test("what is nested too deep is one flaw, even where the step ends before it", () => {
  const text = `[${" ".repeat(50)}[1],${" ".repeat(50)}[2]]`;
  for (let characters = 1; characters < 60; characters++) {
    const flaws: JsonFlaw[] = [];
    const reader = newReader(text, [], { maxDepth: 1, maxToken: 100, onFlaw: (flaw) => flaws.push(flaw) });
    const readOn = stepper(reader);
    let done: ReturnType<typeof readOn>;
    do done = readOn(characters);
    while (done === undefined);
    expect(done.value).toEqual([null, null]);
    expect(flaws.map(({ path }) => path)).toEqual([[0], [1]]);
    expect(reader.values).toBe(3);
  }
});

test("a step ends behind a name that is longer than it, and does not read the value as well", () => {
  const [name, value] = ["n".repeat(16_000), "v".repeat(16_000)];
  const text = `[{"${name}":"${value}"},{"${name}":[1]},{"${name}":{}}]`;
  const reader = newReader(text, [], { maxToken: MIB });
  const readOn = stepper(reader);
  let done: ReturnType<typeof readOn>;
  do {
    const at = reader.offset;
    done = readOn(1_000);
    expect(reader.offset - at).toBeLessThanOrEqual(1_000 + 16_000 + 32);
  } while (done === undefined);
  expect(toPlain(done.value)).toEqual(JSON.parse(text));
});

test("a text takes a step for about 32 Ki characters, besides those that decode it", () => {
  const reading = beginJson(utf8(JSON.stringify("a".repeat(10 * 32 * 1024))), { maxToken: MIB });
  let steps = 1;
  while (reading.step() === undefined) steps++;
  expect(steps).toBeGreaterThanOrEqual(10);
  expect(steps).toBeLessThanOrEqual(16);
});

test.each([
  ["letters", "a".repeat(40)],
  ["escapes", "\\n".repeat(20)],
  ["letters and an escape that is none", `${"a".repeat(11)}\\x`],
])("a string of %s that is too long is told where it becomes so", (_, text) => {
  const told = "more than 10 characters in one piece in [1] at offset 14";
  const options = { maxToken: 10 };
  const whole = `[1,"${text}"]`;
  expect(() => parseJson(whole, options)).toThrow(told);
  expect(() => inPieces(whole, 3, options)).toThrow(told);
});

test("a flaw is told at its place in the whole text, however that comes", () => {
  const text = `{"a":[${"1,".repeat(50)}1],"b":{"c":"\\n","a":1},"a":2}`;
  const options = { maxToken: 10 };
  const place = text.lastIndexOf('"a"');
  for (const size of [1, 7, 30, 1_000])
    expect(() => inPieces(text, size, options)).toThrow(`duplicate member in a at offset ${place}`);
});

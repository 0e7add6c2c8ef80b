import fc from "fast-check";
import { expect, test } from "vitest";

import { compileCaveat } from "../../src/caveats/condition.ts";
import { createCaveatReader } from "../../src/caveats/memo.ts";
import { printCaveat } from "../../src/caveats/print.ts";
import { caveat } from "./arbitraries.ts";
import { textOf } from "./texts.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("a caveat is read as without memory, however often and whatever was read before", () => {
  const read = createCaveatReader();
  const any = fc.oneof(caveat.map(printCaveat).map(bytes), fc.uint8Array({ maxLength: 300 }));
  fc.assert(
    fc.property(fc.array(any, { minLength: 1, maxLength: 5 }), (ids) => {
      for (let time = 0; time < 3; time++) {
        for (const id of ids) expect(read(id)).toEqual(compileCaveat(id));
      }
    }),
    { numRuns: 500 },
  );
});

test("what recurs is kept from the second time on, and what came in may change", () => {
  const read = createCaveatReader();
  const id = bytes("tool in search, fetch");
  read(id);
  const second = read(id);
  expect(read(bytes("tool in search, fetch"))).toBe(second);
  id.fill(0x41);
  expect(read(bytes("tool in search, fetch"))).toBe(second);
  expect(read(id)).toMatchObject({ state: "unknown" });
  expect(second).toEqual(compileCaveat("tool in search, fetch"));
});

test("what came in is copied, that of a Buffer too, whose slice shares its memory", () => {
  const read = createCaveatReader();
  const id = Buffer.from("tool in search, fetch");
  read(id);
  const kept = read(id);
  id.write("tool in delete      ");
  expect(read(bytes("tool in search, fetch"))).toBe(kept);
  expect(read(id)).toEqual(compileCaveat(id));
});

test("what occurs once pushes nothing out, and a long one is not kept", () => {
  const read = createCaveatReader();
  const recurring = Array.from({ length: 50 }, (_, index) => bytes(`tool = t${index}`));
  for (let time = 0; time < 2; time++) for (const id of recurring) read(id);
  const kept = new Map(recurring.map((id) => [id, read(id)]));
  const still = [...kept].filter(([id, condition]) => read(id) === condition);
  // Hardly any three of fifty meet in one of five hundred pairs of places.
  expect(still.length).toBeGreaterThan(47);
  for (let index = 0; index < 20_000; index++) read(bytes(`agent = a#${index}`));
  for (const [id, condition] of still) expect(read(id)).toBe(condition);

  const letters = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => bytes(`${letter} = 1`));
  for (let time = 0; time < 2; time++) for (const id of letters) read(id);
  // So do those of some letters.
  const first = letters.map(read);
  expect(letters.filter((id, index) => read(id) === first[index]).length).toBeGreaterThan(20);

  const longest = bytes(`tool = ${"x".repeat(121)}`);
  read(longest);
  expect(read(longest)).toBe(read(longest));
  const longer = bytes(`tool = ${"x".repeat(122)}`);
  read(longer);
  expect(read(longer)).not.toBe(read(longer));
  const long = bytes(`tool in ${"x,".repeat(60)}x`);
  expect(new Set([read(long), read(long), read(long)]).size).toBe(3);
});

test("two that meet in one place are both kept, in whatever order they come", () => {
  const read = createCaveatReader();
  // By their hashes, both have the pair of places 234.
  const met = ["action in read, list", "time < 2027-01-01T00:00:00Z"].map(bytes);
  for (let time = 0; time < 2; time++) for (const id of met) read(id);
  const kept = met.map((id) => read(id));
  for (let time = 0; time < 3; time++) for (const [at, id] of met.entries()) expect(read(id)).toBe(kept[at]);
});

test.each<[string, (letter: string, index: number) => string]>([
  ["first", (letter, index) => `${letter} = ${index}`],
  ["second", (letter, index) => `a${letter} = ${index}`],
  ["last", (letter, index) => `a = ${index}${letter}`],
])("caveats that share a place, and differ in their %s character, are told apart", (_, caveat) => {
  const read = createCaveatReader();
  // Of some hundred pairs of letters, a few share one of a thousand places.
  for (let index = 0; index < 40; index++) {
    const texts = [..."abcdefghijklmnopqrstuvwxyz"].map((letter) => caveat(letter, index));
    for (const text of [...texts, ...texts]) read(bytes(text));
    expect(texts.filter((text) => textOf(read(bytes(text))) !== text)).toEqual([]);
  }
});

test("a caveat is not taken for one that it begins", () => {
  const read = createCaveatReader();
  for (let time = 0; time < 2; time++) read(bytes("x = 1"));
  for (let index = 0; index < 4_000; index++) {
    if (read(bytes(`x = 1${index}`)) === read(bytes("x = 1"))) expect.fail(`${index}`);
  }
});

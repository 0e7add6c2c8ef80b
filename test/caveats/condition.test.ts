/** The form in which caveats of a chain are shown, and the facts that are kept with them. */
import { describe, expect, test } from "vitest";

import { compileCaveat, shownCaveat, wholeCaveat } from "../../src/caveats/condition.ts";
import { parseCaveat } from "../../src/caveats/parse.ts";
import { prepare } from "../../src/caveats/prepared.ts";
import { RESERVED_NAMES, reservedMember } from "../../src/caveats/reserved.ts";
import { textOf } from "./texts.ts";

const bytes = (...parts: readonly (string | number)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) => (typeof part === "number" ? [part] : [...new TextEncoder().encode(part)])),
  );

describe("bytes that are not UTF-8", () => {
  test.each([
    [bytes("x = a", 0xff), "x = a\\xff"],
    [bytes(0xff, " ~", 0x7f, 0x1f, 0x00), "\\xff ~\\x7f\\x1f\\x00"],
    [bytes(0x80, 0x0a, "é"), "\\x80\\x0a\\xc3\\xa9"],
  ])("%s are shown as %s", (id, text) => {
    expect(compileCaveat(id)).toEqual({ state: "unknown", text });
  });

  test("are cut like any other caveat", () => {
    const shown = (...parts: readonly (string | number)[]) =>
      shownCaveat(textOf(compileCaveat(bytes(...parts))) ?? "");
    expect(shown("a".repeat(255), 0xff)).toBe(`${"a".repeat(255)}\\…`);
    expect(shown("a".repeat(300), 0xff)).toBe(`${"a".repeat(256)}…`);
  });
});

test("a caveat is shown to 256 characters, and whole to whoever decides about it", () => {
  expect(shownCaveat("a".repeat(256))).toBe("a".repeat(256));
  expect(shownCaveat("a".repeat(257))).toBe(`${"a".repeat(256)}…`);
  expect(wholeCaveat("a".repeat(4_096))).toBe("a".repeat(4_096));
  expect(wholeCaveat("a".repeat(4_097))).toBe(`${"a".repeat(4_096)}…`);
  expect(wholeCaveat("x = a\u202eb")).toBe("x = a\\u{202e}b");
});

test("the names that no caller sets are all refused, and no others", () => {
  expect([...RESERVED_NAMES].sort()).toEqual(
    [
      ...["agent", "ancestor", "approval", "aud", "bh", "client", "cost", "depth", "holder", "platform"],
      ...["principal", "rate", "spend", "time", "token_id", "uses"],
    ].sort(),
  );
  for (const name of RESERVED_NAMES) expect(reservedMember(new Map([[name, "x"]]))).toBe(name);
});

describe("facts are kept with a caveat on attributes unless they are many", () => {
  const items = (count: number) => Array.from({ length: count }, (_, index) => `i${index}`).join(", ");
  const path = (count: number) => Array(count).fill("a").join(".");

  test.each([
    ["x = 1", true],
    ["x < 5", true],
    ["x matches a*", true],
    ["x within ::/0", true],
    [`x in ${items(16)}`, true],
    [`x in ${items(17)}`, false],
    [`x not in ${items(16)}`, true],
    [`x not in ${items(17)}`, false],
    [`${path(16)} = 1`, true],
    [`${path(17)} = 1`, false],
    ["when x = 1 then y = 1", true],
    [`when x in ${items(17)} then y = 1`, false],
    [`when x = 1 then y in ${items(17)}`, false],
    ["time < 2026-12-01T00:00:00Z", false],
    ["agent = a", false],
  ])("%s: %s", (text, kept) => {
    const caveat = parseCaveat(text) ?? expect.fail("no caveat");
    expect(prepare(caveat) !== undefined).toBe(kept);
  });

  test("and they are those of the caveat", () => {
    const prepared = prepare(parseCaveat("when a.b in x, 1 then c != 2") ?? expect.fail("no caveat"));
    expect(prepared?.path).toEqual(["c"]);
    expect(prepared?.unless?.path).toEqual(["a", "b"]);
    expect([...(prepared?.denied ?? [])]).toEqual(["text 2", "decimal 2"]);
    expect([...(prepared?.unless?.denied ?? [])]).toEqual(["text x", "text 1", "decimal 1"]);
  });
});

test.each(["a", "z", "A", "Z", "_", "a0", "a9", "a-", "am.Nz"])("%s names an attribute", (name) => {
  expect(parseCaveat(`${name} = 1`)).toMatchObject({ attribute: name });
});

test.each([
  "`",
  "{",
  "@",
  "[",
  "^",
  "0",
  "9",
  "-",
  "a/",
  "a:",
  "a,",
  "a`",
  "a.0",
  "a.-",
  ".a",
  "a.",
  "a..b",
  "é",
])("%s names none", (name) => {
  expect(parseCaveat(`${name} = 1`)).toBeUndefined();
  expect(parseCaveat(`when ${name} = 1 then x = 1`)).toBeUndefined();
});

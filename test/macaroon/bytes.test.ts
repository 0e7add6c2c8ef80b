import { expect, test } from "vitest";

import { compareBytes, concat, constantTimeEqual, utf8Length } from "../../src/macaroon/parts/bytes.ts";
import { utf8 } from "./support.ts";

const bytes = (...values: readonly number[]) => Uint8Array.from(values);

test.each([
  [bytes(), bytes(), true],
  [bytes(1, 2, 3), bytes(1, 2, 3), true],
  [bytes(1, 2, 3), bytes(9, 2, 3), false],
  [bytes(1, 2, 3), bytes(1, 2, 2), false],
  [bytes(1, 2), bytes(1, 2, 0), false],
  [bytes(1, 2, 0), bytes(1, 2), false],
  [bytes(), bytes(0), false],
  [bytes(1, 1), bytes(2, 2), false],
])("%j and %j are equal: %s", (one, other, equal) => {
  expect(constantTimeEqual(one, other)).toBe(equal);
});

test("bytes are ordered by the first that differs, and then by their number", () => {
  const ordered = [
    bytes(),
    bytes(0),
    bytes(0, 0),
    bytes(0, 9),
    bytes(1),
    bytes(1, 0),
    bytes(1, 2, 3),
    bytes(200),
  ];
  for (const [at, one] of ordered.entries()) {
    for (const [place, other] of ordered.entries())
      expect(Math.sign(compareBytes(one, other))).toBe(Math.sign(at - place));
  }
  expect(ordered.toReversed().sort(compareBytes)).toEqual(ordered);
});

test("a text has as many bytes as its UTF-8", () => {
  const edges = [
    "\0",
    "\x7f",
    "\x80",
    "\u07ff",
    "\u0800",
    "\ud7ff",
    "\ue000",
    "\uffff",
    "\u{10000}",
    "\u{10ffff}",
  ];
  for (const text of ["", ...edges, edges.join("")]) expect(utf8Length(text)).toBe(utf8(text).length);
});

test("one byte string after another", () => {
  expect(concat()).toEqual(bytes());
  expect(concat(bytes(1, 2), bytes(), bytes(3))).toEqual(bytes(1, 2, 3));
});

import fc from "fast-check";
import { expect, test } from "vitest";

import { encodeUvarint, readUvarint } from "../../src/macaroon/parts/uvarint.ts";
import { fromHex, hex } from "./support.ts";

const read = (bytes: Uint8Array): number => readUvarint({ bytes, offset: 0 });

test.each([
  [0, "00"],
  [12, "0c"],
  [127, "7f"],
  [128, "8001"],
  [1_234_567, "87ad4b"],
  [2 ** 31 - 1, "ffffffff07"],
])("%d is %s", (value, text) => {
  expect(hex(encodeUvarint(value))).toBe(text);
  expect(read(fromHex(text))).toBe(value);
});

test.each([
  ["", "data ends early"],
  ["80", "data ends early"],
  ["ffffffff", "data ends early"],
  ["8000", "varint with needless bytes"],
  ["808000", "varint with needless bytes"],
  ["8080808000", "varint with needless bytes"],
  ["8080808008", "varint past 2^31-1"],
  ["ffffffff0f", "varint past 2^31-1"],
  ["ffffffffffffffffff01", "varint past 2^31-1"],
  ["808080808000", "varint past 2^31-1"],
])("%s is refused: %s", (text, message) => expect(() => read(fromHex(text))).toThrow(message));

test.each([-1, 1.5, 2 ** 31, Number.NaN, Number.POSITIVE_INFINITY])("%d is not written", (value) => {
  expect(() => encodeUvarint(value)).toThrow(RangeError);
});

test("every number has one spelling", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 31 - 1), (value) => {
      expect(read(encodeUvarint(value))).toBe(value);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 5 }), (bytes) => {
      const reader = { bytes, offset: 0 };
      try {
        expect(encodeUvarint(readUvarint(reader))).toEqual(bytes.slice(0, reader.offset));
      } catch (error) {
        expect(error).toMatchObject({ code: "malformed" });
      }
    }),
  );
});

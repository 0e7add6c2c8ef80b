import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { decodeBase64, encodeBase64Url } from "../../src/macaroon/parts/base64.ts";
import { hex } from "./support.ts";

const NATIVE = [
  [Uint8Array, "fromBase64"],
  [Uint8Array.prototype, "toBase64"],
] as const;

/** Takes away what not every engine has, for the tests of one group. */
function withoutNativeBase64(): void {
  const kept = NATIVE.map(([object, name]) => Object.getOwnPropertyDescriptor(object, name));
  beforeAll(() => {
    for (const [object, name] of NATIVE) Reflect.deleteProperty(object, name);
  });
  afterAll(() => {
    for (const [index, [object, name]] of NATIVE.entries()) {
      Object.defineProperty(object, name, kept[index] ?? {});
    }
  });
}

describe.each(["with", "without"] as const)("%s the engine's own base64", (own) => {
  if (own === "without") withoutNativeBase64();

  test("what is written is what Node writes, and four spellings of it are read", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        const url = buffer.toString("base64url");
        const standard = buffer.toString("base64");
        const padding = standard.slice(url.length);
        expect(encodeBase64Url(bytes)).toBe(url);
        for (const text of [url, url + padding, standard, standard.slice(0, url.length)]) {
          expect(hex(decodeBase64(text))).toBe(buffer.toString("hex"));
        }
      }),
    );
  });

  test("no two texts of one alphabet and padding give the same bytes", () => {
    const character = fc.constantFrom(..."ABCDEghwxyz0189-_+/= \n!~é");
    fc.assert(
      fc.property(
        fc.array(character, { maxLength: 8 }).map((parts) => parts.join("")),
        (text) => {
          let bytes: Uint8Array;
          try {
            bytes = decodeBase64(text);
          } catch (error) {
            expect(error).toMatchObject({ name: "MacaroonError", code: "malformed" });
            return;
          }
          const url = text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
          expect(encodeBase64Url(bytes)).toBe(url);
        },
      ),
      { numRuns: 5_000 },
    );
  });

  describe("refused", () => {
    test.each([
      ["AAB", "base64 with spare bits"],
      ["AB", "base64 with spare bits"],
      ["AC", "base64 with spare bits"],
      ["AE", "base64 with spare bits"],
      ["AI", "base64 with spare bits"],
      ["AAC", "base64 with spare bits"],
      ["AB==", "base64 with spare bits"],
      ["A", "base64 of an impossible length"],
      ["AAAAA", "base64 of an impossible length"],
      ["A!A A", "base64 of an impossible length"],
      ["A!AA", "not base64"],
      ["AA A", "not base64"],
      ["AAAA\n", "base64 of an impossible length"],
      ["\ufeffAAA", "not base64"],
      ["-_+/", "base64 of two alphabets"],
      ["+__-", "base64 of two alphabets"],
      ["AA=", "base64 with wrong padding"],
      ["AAA==", "base64 with wrong padding"],
      ["AAAA=", "base64 with wrong padding"],
      ["AA===", "base64 with wrong padding"],
      ["AAAA====", "not base64"],
      ["=", "base64 with wrong padding"],
      ["====", "not base64"],
      ["A===", "not base64"],
      ["AA=A", "not base64"],
      ["ＡＡＡＡ", "not base64"],
    ])("%j: %s", (text, message) => expect(() => decodeBase64(text)).toThrow(message));

    test("white space, however much of it there is", () => {
      for (const digits of ["AA", "AAA", "AAAA", "AAAAAAAAA", "AAAAAAAAAAAA"]) {
        for (let length = 1; length <= 40; length++) {
          const space = " ".repeat(length);
          for (const text of [space + digits, `A${space}${digits.slice(1)}`, digits + space])
            expect(() => decodeBase64(text)).toThrow(/^(?:not base64|base64 of an impossible length)$/);
        }
      }
    });
  });

  test("nothing is nothing", () => {
    expect(decodeBase64("")).toEqual(new Uint8Array());
    expect(encodeBase64Url(new Uint8Array())).toBe("");
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSequence, printSequence } from "../../src/domain/parts/sequence.ts";
import { uuidv7 } from "../../src/domain/parts/uuid.ts";
import { parseIdentifier, printIdentifier } from "../../src/words/identifier.ts";
import { isUuidv7, uuidv7Time } from "../../src/words/ids.ts";
import { createCountingRandomness } from "./manual.ts";

const KEY_ID = "Zk3vQm2xT9aB-_eF";
const TOKEN_ID = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
const PRINCIPAL_ID = "pW3kD0q9xYb2LmNa";
const TEXT = `bh1.${KEY_ID}.${TOKEN_ID}.${PRINCIPAL_ID}.2`;

const bytes = (text: string) => new TextEncoder().encode(text);

describe("a root macaroon's identifier", () => {
  const identifier = { keyId: KEY_ID, tokenId: TOKEN_ID, principalId: PRINCIPAL_ID, issuedCaveats: 2 };

  test("is printable ASCII, and read as it was written", () => {
    expect(printIdentifier(identifier)).toEqual(bytes(TEXT));
    expect(parseIdentifier(bytes(TEXT))).toEqual(identifier);
    for (const issuedCaveats of [0, 1, 10, 256, 999]) {
      expect(parseIdentifier(printIdentifier({ ...identifier, issuedCaveats }))).toEqual({
        ...identifier,
        issuedCaveats,
      });
    }
  });

  test.each([
    ["another version", TEXT.replace("bh1", "bh2")],
    ["no version", TEXT.slice(4)],
    ["a part less", TEXT.slice(0, TEXT.lastIndexOf("."))],
    ["a part more", `${TEXT}.0`],
    ["an end of line", `${TEXT}\n`],
    ["a leading zero", TEXT.replace(/2$/, "02")],
    ["a negative number", TEXT.replace(/2$/, "-2")],
    ["a number that is too large", TEXT.replace(/2$/, "1000")],
    ["no number", TEXT.replace(/2$/, "")],
    ["a short key id", TEXT.replace(KEY_ID, KEY_ID.slice(1))],
    ["a long key id", TEXT.replace(KEY_ID, `${KEY_ID}A`)],
    ["another alphabet", TEXT.replace("-_", "+/")],
    ["a token id in upper case", TEXT.replace(TOKEN_ID, TOKEN_ID.toUpperCase())],
    ["a token id of version 4", TEXT.replace("-7f10-", "-4f10-")],
    ["a NUL", TEXT.replace("p", "\0")],
    ["nothing", ""],
    ["what is too long", `${TEXT}${"0".repeat(100)}`],
  ])("with %s is none", (_, text) => {
    expect(parseIdentifier(bytes(text))).toBeUndefined();
  });

  test("in bytes that are no text is none, and nothing throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        expect(parseIdentifier(data)).toBeUndefined();
      }),
    );
    // Bytes that a lenient decoder would take for the same characters.
    const wide = Uint8Array.from([...bytes(TEXT)].map((byte) => byte | 0x80));
    expect(parseIdentifier(wide)).toBeUndefined();
    // More bytes than a function takes arguments.
    expect(parseIdentifier(new Uint8Array(1_000_000))).toBeUndefined();
  });
});

describe("a UUID of version 7", () => {
  test("is of RFC 9562's layout, its time in front", () => {
    // RFC 9562, appendix A.6: 2022-02-22T19:22:22Z.
    const at = 1_645_557_742_000;
    const ones = { bytes: (length: number) => new Uint8Array(length).fill(0xff) };
    const zeros = { bytes: (length: number) => new Uint8Array(length) };
    expect(uuidv7(at, zeros)).toBe("017f22e2-79b0-7000-8000-000000000000");
    expect(uuidv7(at, ones)).toBe("017f22e2-79b0-7fff-bfff-ffffffffffff");
  });

  test("holds its time to the millisecond, from 1970 to the year 10889", () => {
    const randomness = createCountingRandomness();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 48 - 1 }), (at) => {
        const uuid = uuidv7(at, randomness);
        expect(isUuidv7(uuid)).toBe(true);
        expect(uuidv7Time(uuid)).toBe(at);
      }),
    );
  });

  test("later ones sort later", () => {
    const randomness = createCountingRandomness();
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 1e9 }), (at, gap) => {
        expect(uuidv7(at, randomness) < uuidv7(at + gap, randomness)).toBe(true);
      }),
    );
  });

  test.each([
    TOKEN_ID.toUpperCase(),
    TOKEN_ID.replaceAll("-", ""),
    `{${TOKEN_ID}}`,
    `${TOKEN_ID}\n`,
    ` ${TOKEN_ID}`,
    TOKEN_ID.replace("-7f10-", "-1f10-"),
    TOKEN_ID.replace("-8a2b-", "-ca2b-"),
    "",
  ])("is not %j", (text) => {
    expect(isUuidv7(text)).toBe(false);
  });
});

describe("a sequence", () => {
  test.each([0, 1, 41, 999_999_999_999_999])("is read as it was written: %i", (number) => {
    const position = { epoch: "k3v9Qm2x", number };
    expect(parseSequence(printSequence(position))).toEqual(position);
  });

  test.each([
    "",
    "-",
    "-1",
    "k3v9-",
    "k3v9-01",
    "k3v9-1.5",
    "k3v9-1e3",
    "k3v9-+1",
    "k3v9- 1",
    "k3 v9-1",
    "k3v9-1\n",
  ])("is not %j", (text) => {
    expect(parseSequence(text)).toBeUndefined();
  });

  test("never loses a digit to a double", () => {
    expect(parseSequence("k3v9-9007199254740993")).toBeUndefined();
  });
});

import { createHmac } from "node:crypto";

import type { Secret } from "../keys/secret.ts";
import type { Randomness } from "../ports/randomness.ts";

/** Consonants without those that are read for another (RFC 8628 §6.1): no words, and one case. */
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ";
const LENGTH = 8;

/** Bytes from this one on are left out: otherwise the first letters came more often. */
const FAIR = 256 - (256 % LETTERS.length);

/** Makes a code for people to type: eight letters, which are 34 bits. */
export function newUserCode(randomness: Randomness): string {
  let code = "";
  while (code.length < LENGTH) {
    for (const byte of randomness.bytes(2 * LENGTH)) {
      if (byte < FAIR && code.length < LENGTH) code += LETTERS[byte % LETTERS.length];
    }
  }
  return code;
}

/** @example shownUserCode("WDJBMJHT") // "WDJB-MJHT" */
export function shownUserCode(code: string): string {
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`;
}

/**
 * Reads a code as people type it: in any case, with or without the dash and spaces.
 *
 * @returns undefined for a text that is none
 * @example readUserCode(" wdjb mjht") // "WDJBMJHT"
 */
export function readUserCode(text: string): string | undefined {
  if (text.length > 4 * LENGTH) return undefined;
  const code = text.toUpperCase().replace(/[\s\-‐-―]/g, "");
  return code.length === LENGTH && [...code].every((letter) => LETTERS.includes(letter)) ? code : undefined;
}

/** The hash that a code is kept by, 32 bytes. Under a key: of 34 bits the database's reader could try all. */
export function userCodeHash(code: string, key: Secret): Uint8Array {
  return new Uint8Array(createHmac("sha256", key.reveal()).update(code).digest());
}

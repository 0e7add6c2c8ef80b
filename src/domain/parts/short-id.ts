import type { Randomness } from "../ports/randomness.ts";

/** 12 bytes are 16 characters of base64url, as `SHORT_ID` wants them. */
const BYTES = 12;

/** A fresh random id for a key or a principal. */
export function newShortId(randomness: Randomness): string {
  return Buffer.from(randomness.bytes(BYTES)).toString("base64url");
}

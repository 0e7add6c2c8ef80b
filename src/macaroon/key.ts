import { utf8ToBytes } from "@noble/hashes/utils.js";
import { defaultHmac } from "./hash/hmac.ts";
import type { Hmac } from "./hash/types.ts";
import { concat } from "./parts/bytes.ts";
import { MacaroonError } from "./parts/error.ts";

const GENERATOR = utf8ToBytes("macaroons-key-generator");

/**
 * Makes the 32 bytes that sign from a key of any length, as libmacaroons does.
 *
 * libmacaroons pads the generator's name with zeros to 32 bytes, which HMAC does by itself.
 */
export function deriveKey(key: Uint8Array, hmac: Hmac): Uint8Array {
  return hmac(GENERATOR, key);
}

/** The keyed hash of two parts: third-party caveats and bound discharges are signed with it. */
export function hmac2(key: Uint8Array, first: Uint8Array, second: Uint8Array, hmac: Hmac): Uint8Array {
  return hmac(key, concat(hmac(key, first), hmac(key, second)));
}

/** The part of verifying that is the same for all macaroons of a root key. As secret as the root key. */
export interface SigningKey {
  /** The derived key, 32 bytes. */
  readonly signing: Uint8Array;
}

/**
 * Derives the signing key from a root key, once for many macaroons of that key.
 *
 * @throws MacaroonError for an empty key
 */
export function signingKey(rootKey: Uint8Array, hmac: Hmac = defaultHmac): SigningKey {
  requireKey(rootKey);
  return { signing: deriveKey(rootKey, hmac) };
}

/** Refuses an empty root key: one that everybody knows. @throws MacaroonError */
export function requireKey(rootKey: Uint8Array): void {
  if (rootKey.length === 0) throw new MacaroonError("invalid_argument", `"rootKey" is empty`);
}

import { utf8ToBytes } from "@noble/hashes/utils.js";

import { concat } from "./bytes.ts";
import type { Hmac } from "./hmac.ts";

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

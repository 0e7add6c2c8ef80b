import { hmac as nobleHmac } from "@noble/hashes/hmac.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";

/**
 * HMAC-SHA256 (RFC 2104). Returns 32 fresh bytes.
 *
 * Nearly all time of a verification is spent here, so every keyed operation takes one, and a service can
 * put a faster one in the place of the portable default.
 */
export type Hmac = (key: Uint8Array, message: Uint8Array) => Uint8Array;

/** SHA-256. Returns 32 fresh bytes. */
export type Sha256 = (message: Uint8Array) => Uint8Array;

/** The portable HMAC-SHA256. */
export const defaultHmac: Hmac = (key, message) => nobleHmac(nobleSha256, key, message);

/** The portable SHA-256. */
export const defaultSha256: Sha256 = (message) => nobleSha256(message);

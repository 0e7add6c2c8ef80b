import { hmacSha256, sha256 } from "./sha256.ts";

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
export const defaultHmac: Hmac = hmacSha256;

/** The portable SHA-256. */
export const defaultSha256: Sha256 = sha256;

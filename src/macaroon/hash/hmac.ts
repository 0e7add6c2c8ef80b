import { hmacSha256, sha256 } from "./sha256.ts";
import type { Hmac, Sha256 } from "./types.ts";

/** The portable HMAC-SHA256. */
export const defaultHmac: Hmac = hmacSha256;

/** The portable SHA-256. */
export const defaultSha256: Sha256 = sha256;

import { decodeBase64, encodeBase64Url, MacaroonError } from "../macaroon/index.ts";
import { HASH_BYTES } from "./hashing.ts";

/** Base64 with padding (RFC 4648 §4), which is how logs write bytes. */
export function encodeBase64(bytes: Uint8Array): string {
  const text = encodeBase64Url(bytes).replaceAll("-", "+").replaceAll("_", "/");
  return text.padEnd(Math.ceil(text.length / 4) * 4, "=");
}

/** Reads a hash; undefined for any text but the one that {@link encodeBase64} writes for it. */
export function decodeHash(text: string): Uint8Array | undefined {
  try {
    const bytes = decodeBase64(text);
    return bytes.length === HASH_BYTES && encodeBase64(bytes) === text ? bytes : undefined;
  } catch (error) {
    if (error instanceof MacaroonError) return undefined;
    throw error;
  }
}

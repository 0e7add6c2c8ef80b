import { encodeBase64Url } from "../macaroon/index.ts";

// One call into the system's generator costs as much as an HMAC, so it is asked for many bytes at once.
const POOL_BYTES = 4_096;

let pool = new Uint8Array(0);
let used = 0;

/** Fresh random bytes from the system's generator. */
export function randomBytes(length: number): Uint8Array {
  if (length > POOL_BYTES) throw new RangeError(`at most ${POOL_BYTES} random bytes at once`);
  if (used + length > pool.length) {
    pool = crypto.getRandomValues(new Uint8Array(POOL_BYTES));
    used = 0;
  }
  const bytes = pool.slice(used, used + length);
  // Bytes that were given out must not be found here later: they may be somebody's key.
  pool.fill(0, used, used + length);
  used += length;
  return bytes;
}

/** Random bytes as base64url. */
export function randomText(length: number): string {
  return encodeBase64Url(randomBytes(length));
}

import type { Hmac } from "./hmac.ts";
import { hmac2 } from "./key.ts";
import type { Caveat, UnverifiedMacaroon } from "./macaroon.ts";

/** The tail after one more caveat. */
export function nextTail(tail: Uint8Array, caveat: Caveat, hmac: Hmac): Uint8Array {
  if (caveat.verificationId === undefined) return hmac(tail, caveat.id);
  return hmac2(tail, caveat.verificationId, caveat.id, hmac);
}

/**
 * Recomputes a macaroon's tails: the first is of its identifier, and each caveat adds one.
 *
 * @param key what signs the identifier: the derived root key, or a caveat key just as it was unsealed
 */
export function computeTails(key: Uint8Array, macaroon: UnverifiedMacaroon, hmac: Hmac): Uint8Array[] {
  let tail = hmac(key, macaroon.identifier);
  const tails = [tail];
  for (const caveat of macaroon.unverifiedCaveats) {
    tail = nextTail(tail, caveat, hmac);
    tails.push(tail);
  }
  return tails;
}

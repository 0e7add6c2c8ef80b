import type { ChainHash, Hmac } from "./hash/types.ts";
import { hmac2 } from "./key.ts";
import type { UnverifiedCaveat, UnverifiedMacaroon } from "./parts/macaroon.ts";

/** The tail after one more caveat. */
export function nextTail(tail: Uint8Array, caveat: UnverifiedCaveat, hmac: Hmac): Uint8Array {
  if (caveat.verificationId === undefined) return hmac(tail, caveat.id);
  return hmac2(tail, caveat.verificationId, caveat.id, hmac);
}

/**
 * Recomputes a macaroon's tails: the first is of its identifier, and each caveat adds one.
 *
 * @param key signs the identifier: the derived root key, or a caveat key just as it was unsealed
 */
export function computeTails(key: Uint8Array, macaroon: UnverifiedMacaroon, chain: ChainHash): Uint8Array[] {
  chain.begin(key);
  let tail = chain.step(macaroon.identifier);
  const tails = [tail];
  for (const caveat of macaroon.unverifiedCaveats) {
    if (caveat.verificationId === undefined) {
      tail = chain.step(caveat.id);
    } else {
      tail = nextTail(tail, caveat, hmacBy(chain));
      chain.begin(tail);
    }
    tails.push(tail);
  }
  return tails;
}

/** Makes an HMAC, for keys of at most 64 bytes, of a chain's hash. Each call begins the chain anew. */
export function hmacBy(chain: ChainHash): Hmac {
  return (key, message) => {
    chain.begin(key);
    return chain.step(message);
  };
}

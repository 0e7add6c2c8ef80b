import { nextTail } from "./chain.ts";
import { defaultHmac } from "./hash/hmac.ts";
import type { Hmac } from "./hash/types.ts";
import { copyOf, toBytes } from "./parts/bytes.ts";
import { checkCaveatCount, checkCaveatSize, LIMITS } from "./parts/limits.ts";
import type { UnverifiedCaveat, UnverifiedMacaroon } from "./parts/macaroon.ts";

/**
 * Narrows a macaroon by first-party caveats. Needs no key and no network.
 *
 * @returns a new macaroon; the given one is not changed
 * @throws MacaroonError if the result would be over the limits
 */
export function attenuate(
  macaroon: UnverifiedMacaroon,
  predicates: readonly (string | Uint8Array)[],
  hmac: Hmac = defaultHmac,
): UnverifiedMacaroon {
  return appendCaveats(
    macaroon,
    predicates.map((predicate) => ({ id: copyOf(toBytes(predicate)) })),
    hmac,
  );
}

/** Appends caveats of either kind and signs each. */
export function appendCaveats(
  macaroon: UnverifiedMacaroon,
  caveats: readonly UnverifiedCaveat[],
  hmac: Hmac,
): UnverifiedMacaroon {
  const unverifiedCaveats = [...macaroon.unverifiedCaveats, ...caveats];
  checkCaveatCount(unverifiedCaveats.length, LIMITS);
  for (const caveat of caveats) checkCaveatSize(caveat, LIMITS);
  let signature = macaroon.signature;
  for (const caveat of caveats) signature = nextTail(signature, caveat, hmac);
  return { ...macaroon, unverifiedCaveats, signature };
}

import { defaultHmac } from "./hash/hmac.ts";
import type { Hmac } from "./hash/types.ts";
import { hmac2 } from "./key.ts";
import type { UnverifiedMacaroon } from "./parts/macaroon.ts";

const BINDING_KEY = new Uint8Array(32);

/**
 * Ties a discharge to the root macaroon that it is presented with.
 *
 * A nested discharge is bound to the root macaroon too, not to the discharge that it serves. After
 * binding, neither the root macaroon nor the discharge can be attenuated.
 */
export function bind(
  root: UnverifiedMacaroon,
  discharge: UnverifiedMacaroon,
  hmac: Hmac = defaultHmac,
): UnverifiedMacaroon {
  return { ...discharge, signature: boundSignature(root.signature, discharge.signature, hmac) };
}

/** The signature of a bound discharge. */
export function boundSignature(rootSignature: Uint8Array, signature: Uint8Array, hmac: Hmac): Uint8Array {
  return hmac2(BINDING_KEY, rootSignature, signature, hmac);
}

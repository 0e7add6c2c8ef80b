import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";

import { appendCaveats } from "./attenuate.ts";
import { defaultHmac } from "./hash/hmac.ts";
import type { Hmac } from "./hash/types.ts";
import { deriveKey } from "./key.ts";
import { concat, copyOf, toBytes } from "./parts/bytes.ts";
import { expectLength, MacaroonError } from "./parts/error.ts";
import type { UnverifiedMacaroon } from "./parts/macaroon.ts";

const NONCE_BYTES = 24;
const KEY_BYTES = 32;
const VERIFICATION_ID_BYTES = NONCE_BYTES + 16 + KEY_BYTES;

/** The parts of a third-party caveat. */
export interface ThirdPartyCaveatOptions {
  /** The third party that gives the discharge. */
  readonly location: string;
  /** Tells that party the condition and the caveat key. */
  readonly ticket: string | Uint8Array;
  /** The secret that the discharge is minted with. Never empty. */
  readonly caveatKey: Uint8Array;
  /** 24 random bytes, never used before. */
  readonly nonce: Uint8Array;
}

/**
 * Narrows a macaroon by a third-party caveat.
 *
 * The caveat key is sealed under the macaroon's signature. A verifier recomputes that signature, and so can open it.
 *
 * @throws MacaroonError for an empty key, a nonce of the wrong length, or a result over the limits
 */
export function addThirdPartyCaveat(
  macaroon: UnverifiedMacaroon,
  options: ThirdPartyCaveatOptions,
  hmac: Hmac = defaultHmac,
): UnverifiedMacaroon {
  const { location, caveatKey, nonce } = options;
  expectLength("nonce", nonce, NONCE_BYTES);
  if (caveatKey.length === 0) throw new MacaroonError("invalid_argument", `"caveatKey" is empty`);
  toBytes(location);
  const sealed = xsalsa20poly1305(macaroon.signature, nonce).encrypt(deriveKey(caveatKey, hmac));
  const id = copyOf(toBytes(options.ticket));
  return appendCaveats(macaroon, [{ id, verificationId: concat(nonce, sealed), location }], hmac);
}

/**
 * Opens a verification id with the tail before its caveat.
 *
 * @returns the key that signs the discharge; undefined if the verification id was not sealed under this tail. A holder
 *   can append any bytes as one, and then nothing discharges the caveat
 */
export function unsealCaveatKey(tail: Uint8Array, verificationId: Uint8Array): Uint8Array | undefined {
  if (verificationId.length !== VERIFICATION_ID_BYTES) return undefined;
  const nonce = verificationId.subarray(0, NONCE_BYTES);
  try {
    return xsalsa20poly1305(tail, nonce).decrypt(verificationId.subarray(NONCE_BYTES));
  } catch {
    return undefined;
  }
}

import { malformed } from "./error.ts";

/**
 * A caveat of a macaroon that was parsed and not verified: bytes that its sender may have written, and that this
 * layer never interprets.
 */
export interface UnverifiedCaveat {
  /** A first-party caveat's predicate, or a third-party caveat's ticket. */
  readonly id: Uint8Array;
  /** The sealed caveat key. A caveat is third-party if and only if it has one. */
  readonly verificationId?: Uint8Array;
  /** The third party that discharges it. A hint only: no signature covers it. */
  readonly location?: string;
}

/**
 * A macaroon that was parsed and not verified: its sender may have written all of it.
 *
 * Good for attenuating, and for finding the key that verifies it; never for deciding anything.
 * `undefined` and an empty location are told apart, since formats write them differently.
 */
export interface UnverifiedMacaroon {
  /** The minter, as the sender names it. A hint only: no signature covers it. */
  readonly location?: string;
  readonly identifier: Uint8Array;
  readonly unverifiedCaveats: readonly UnverifiedCaveat[];
  /** The last tail, 32 bytes. With the caveats it is the macaroon itself: keep it out of logs. */
  readonly signature: Uint8Array;
}

/** The length of a signature in bytes. */
export const SIGNATURE_BYTES = 32;

/**
 * Puts a decoded caveat together.
 *
 * @throws MacaroonError for a location without a verification id: libraries disagree about its meaning.
 *   An empty one is read, because pymacaroons writes one if there is none.
 */
export function makeCaveat(
  id: Uint8Array,
  verificationId: Uint8Array | undefined,
  location: string | undefined,
): UnverifiedCaveat {
  if (verificationId !== undefined) {
    return location === undefined ? { id, verificationId } : { id, verificationId, location };
  }
  if (location === undefined) return { id };
  if (location !== "") malformed("location in a first-party caveat");
  return { id, location };
}

/** Puts a decoded macaroon together. */
export function makeMacaroon(
  location: string | undefined,
  identifier: Uint8Array,
  unverifiedCaveats: readonly UnverifiedCaveat[],
  signature: Uint8Array,
): UnverifiedMacaroon {
  if (signature.length !== SIGNATURE_BYTES) malformed(`signature is not ${SIGNATURE_BYTES} bytes`);
  const macaroon = { identifier, unverifiedCaveats, signature };
  return location === undefined ? macaroon : { location, ...macaroon };
}

import type { UnverifiedMacaroon } from "./parts/macaroon.ts";
import { addThirdPartyCaveat } from "./third-party.ts";
import { BOX_KEY_BYTES, BOX_NONCE_BYTES } from "./tickets/box.ts";
import { trySealTicket } from "./tickets/ticket.ts";

/** Gives so many fresh random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

/** A condition that only a third party can read, with the key of its discharge. */
export interface SealedCondition {
  /** The caveat id. */
  readonly ticket: Uint8Array;
  /** A secret. */
  readonly caveatKey: Uint8Array;
}

/** The length that macaroon-bakery's clients give a caveat key, bytes. */
const CAVEAT_KEY_BYTES = 24;

/**
 * Seals a condition and a fresh caveat key to a third party, in a ticket of version 2.
 *
 * @param options.publicKey the third party's Curve25519 key, 32 bytes
 * @param options.privateKey the writer's Curve25519 key, 32 bytes; without it one is made for this ticket and forgotten
 * @returns undefined for a public key that nothing can be sealed to: with a point of low order the shared secret is
 *   the same for everybody (RFC 7748 §6.1)
 * @throws MacaroonError for a key of the wrong length, or a condition that does not fit into a caveat
 * @example
 * const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));
 * const sealed = sealCondition({ condition: "is-principal", publicKey }, random);
 * if (sealed !== undefined) macaroon = addSealedCondition(macaroon, "https://third.example", sealed, random);
 */
export function sealCondition(
  options: {
    readonly condition: string;
    readonly publicKey: Uint8Array;
    readonly privateKey?: Uint8Array;
  },
  random: RandomBytes,
): SealedCondition | undefined {
  const { condition, publicKey, privateKey } = options;
  const caveatKey = random(CAVEAT_KEY_BYTES);
  const ticket = trySealTicket({
    version: 2,
    thirdPartyPublicKey: publicKey,
    firstPartyPrivateKey: privateKey ?? random(BOX_KEY_BYTES),
    nonce: random(BOX_NONCE_BYTES),
    caveatKey,
    condition,
  });
  return ticket && { ticket, caveatKey };
}

/**
 * Narrows a macaroon by a sealed condition.
 *
 * @param location the place that discharges it
 * @throws MacaroonError for a result over the limits
 */
export function addSealedCondition(
  macaroon: UnverifiedMacaroon,
  location: string,
  { ticket, caveatKey }: SealedCondition,
  random: RandomBytes,
): UnverifiedMacaroon {
  const nonce = random(BOX_NONCE_BYTES);
  return addThirdPartyCaveat(macaroon, { location, ticket, caveatKey, nonce });
}

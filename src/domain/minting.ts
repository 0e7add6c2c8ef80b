import { parseCaveat } from "../caveats/parse.ts";
import {
  addThirdPartyCaveat,
  attenuate,
  encodeBundle,
  MacaroonError,
  mint,
  revocationId,
  sealTicket,
  type UnverifiedMacaroon,
} from "../macaroon/index.ts";
import { DomainError } from "./error.ts";
import { type Identifier, printIdentifier } from "./identifier.ts";
import { rfc3339 } from "./instants.ts";
import type { Randomness } from "./ports/randomness.ts";
import type { IssuedCaveat } from "./ports/tokens.ts";
import type { RootKey } from "./root-keys.ts";

/** A third-party caveat that is ready to be written. */
export interface ThirdParty {
  readonly location: string;
  readonly condition: string;
  /** 32 bytes, Curve25519. */
  readonly publicKey: Uint8Array;
}

/** A root macaroon as it is handed out, with what the service keeps of it. */
export interface Minted {
  readonly token: string;
  /** 16 bytes, of the last issued link. */
  readonly revocationId: Uint8Array;
  readonly revocationIdText: string;
  readonly caveats: readonly IssuedCaveat[];
}

/** Bytes of a ticket's root key, as bakery clients make them. */
const CAVEAT_KEY_BYTES = 24;
const NONCE_BYTES = 24;
const PRIVATE_KEY_BYTES = 32;

function seal(macaroon: UnverifiedMacaroon, party: ThirdParty, randomness: Randomness): UnverifiedMacaroon {
  const caveatKey = randomness.bytes(CAVEAT_KEY_BYTES);
  const ticket = sealTicket({
    version: 2,
    thirdPartyPublicKey: party.publicKey,
    firstPartyPrivateKey: randomness.bytes(PRIVATE_KEY_BYTES),
    nonce: randomness.bytes(NONCE_BYTES),
    caveatKey,
    condition: party.condition,
  });
  const nonce = randomness.bytes(NONCE_BYTES);
  return addThirdPartyCaveat(macaroon, { location: party.location, ticket, caveatKey, nonce });
}

/**
 * Refuses caveats that would never be cleared, while whoever asked for them still listens.
 *
 * @param member the request's member that holds them
 */
export function requireCaveats(caveats: readonly string[], member: string): void {
  caveats.forEach((text, index) => {
    const caveat = parseCaveat(text);
    if (caveat === undefined || caveat.kind === "ancestor" || caveat.kind === "approval") {
      const why =
        caveat === undefined ? "is not a caveat that this service knows" : "goes into discharges only";
      throw new DomainError("invalid_request", why, `${member}[${index}]`);
    }
  });
}

/**
 * Mints a root macaroon: `time <` first, so that every one expires, then the other caveats in order.
 *
 * @throws {DomainError} `invalid_request` where it would be larger than the service accepts
 */
export function mintRoot(options: {
  readonly rootKey: RootKey;
  readonly identifier: Omit<Identifier, "keyId" | "issuedCaveats">;
  readonly location: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly caveats: readonly string[];
  readonly thirdParties: readonly ThirdParty[];
  readonly randomness: Randomness;
}): Minted {
  const { rootKey, thirdParties, randomness } = options;
  const first = [`time < ${rfc3339(options.expiresAt)}`, ...options.caveats];
  const identifier = printIdentifier({
    ...options.identifier,
    keyId: rootKey.id,
    issuedCaveats: first.length + thirdParties.length,
  });
  try {
    const root = mint({ rootKey: rootKey.key.reveal(), identifier, location: options.location });
    let macaroon = attenuate(root, first);
    for (const party of thirdParties) macaroon = seal(macaroon, party, randomness);
    const last = revocationId(macaroon.signature);
    return {
      token: encodeBundle([macaroon]),
      revocationId: last.bytes,
      revocationIdText: last.text,
      caveats: [...first.map((text) => ({ text })), ...thirdParties.map(({ location }) => ({ location }))],
    };
  } catch (error) {
    if (error instanceof MacaroonError) throw new DomainError("invalid_request", error.message, "caveats");
    throw error;
  }
}

import { type Identifier, parseIdentifier } from "../words/identifier.ts";
import { uuidv7Time } from "../words/ids.ts";

/** The parts of a root macaroon's identifier. They are the service's word only once it has verified the token. */
export interface TokenIdentifier extends Identifier {
  /** The time in the token id. */
  readonly issuedAt: Date;
}

/** Reads a Bakehouse identifier. @returns undefined for any other macaroon's */
export function readIdentifier(bytes: Uint8Array): TokenIdentifier | undefined {
  const identifier = parseIdentifier(bytes);
  return identifier && { ...identifier, issuedAt: new Date(uuidv7Time(identifier.tokenId)) };
}

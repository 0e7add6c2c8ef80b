import { isUuidv7 } from "./uuid.ts";

/**
 * What a root macaroon's identifier says: printable ASCII, `bh1.` and then key id, token id, principal
 * id and the number of issued caveats, separated by dots. It is covered by the signature, so after
 * verification every part is the issuer's word.
 */
export interface Identifier {
  readonly keyId: string;
  readonly tokenId: string;
  readonly principalId: string;
  /** How many caveats, from the first, the issuer wrote. All later ones are some holder's. */
  readonly issuedCaveats: number;
}

const ID = /^[A-Za-z0-9_-]{16}$/;
const COUNT = /^(?:0|[1-9][0-9]{0,2})$/;

/** Characters of key and principal ids; 12 random bytes each. */
export const SHORT_ID_BYTES = 12;

/** Writes an identifier as its bytes. */
export function printIdentifier(identifier: Identifier): Uint8Array {
  const { keyId, tokenId, principalId, issuedCaveats } = identifier;
  return new TextEncoder().encode(`bh1.${keyId}.${tokenId}.${principalId}.${issuedCaveats}`);
}

/** Reads an identifier. @returns undefined for bytes that `printIdentifier` never writes */
export function parseIdentifier(bytes: Uint8Array): Identifier | undefined {
  if (bytes.length > 100) return undefined;
  const parts = String.fromCharCode(...bytes).split(".");
  const [version, keyId, tokenId, principalId, count] = parts;
  if (parts.length !== 5 || version !== "bh1") return undefined;
  if (keyId === undefined || !ID.test(keyId)) return undefined;
  if (tokenId === undefined || !isUuidv7(tokenId)) return undefined;
  if (principalId === undefined || !ID.test(principalId)) return undefined;
  if (count === undefined || !COUNT.test(count)) return undefined;
  return { keyId, tokenId, principalId, issuedCaveats: Number(count) };
}

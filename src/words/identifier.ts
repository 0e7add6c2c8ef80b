import { isUuidv7, SHORT_ID } from "./ids.ts";

/**
 * The parts of a root macaroon's identifier: printable ASCII, `bh1.` and then key id, token id, principal id and the
 * number of issued caveats, separated by dots. The signature covers it, so after verification every part is the
 * issuer's word.
 */
export interface Identifier {
  readonly keyId: string;
  readonly tokenId: string;
  readonly principalId: string;
  /** How many caveats, from the first, the issuer wrote. Holders wrote all later ones. */
  readonly issuedCaveats: number;
}

const VERSION = "bh1";
const COUNT = /^(?:0|[1-9][0-9]{0,2})$/;
const LONGEST = 100;

/** Writes an identifier as its bytes. */
export function printIdentifier(identifier: Identifier): Uint8Array {
  const { keyId, tokenId, principalId, issuedCaveats } = identifier;
  const text = [VERSION, keyId, tokenId, principalId, issuedCaveats].join(".");
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/** Reads an identifier. @returns undefined for bytes that `printIdentifier` never writes */
export function parseIdentifier(bytes: Uint8Array): Identifier | undefined {
  if (bytes.length > LONGEST) return undefined;
  // Engines copy the bytes of a typed array here; a spread would step through them one by one.
  const text: string = Reflect.apply(String.fromCharCode, undefined, bytes);
  const parts = text.split(".");
  const [version, keyId, tokenId, principalId, count] = parts;
  if (parts.length !== 5 || version !== VERSION) return undefined;
  if (keyId === undefined || !SHORT_ID.test(keyId)) return undefined;
  if (tokenId === undefined || !isUuidv7(tokenId)) return undefined;
  if (principalId === undefined || !SHORT_ID.test(principalId)) return undefined;
  if (count === undefined || !COUNT.test(count)) return undefined;
  return { keyId, tokenId, principalId, issuedCaveats: Number(count) };
}

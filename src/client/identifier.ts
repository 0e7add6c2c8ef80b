/** What a root macaroon's identifier says; the service's word only once it has verified the token. */
export interface TokenIdentifier {
  readonly keyId: string;
  readonly tokenId: string;
  readonly principalId: string;
  /** How many caveats, from the first, the issuer wrote, says the token. */
  readonly issuedCaveats: number;
  /** By the token id. */
  readonly issuedAt: Date;
}

const TEXT =
  /^bh1\.([A-Za-z0-9_-]{16})\.([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{16})\.(0|[1-9][0-9]{0,2})$/;

/** Reads a Bakehouse identifier; undefined for any other macaroon's. */
export function readIdentifier(bytes: Uint8Array): TokenIdentifier | undefined {
  if (bytes.length > 100) return undefined;
  const [, keyId, tokenId, principalId, count] = TEXT.exec(String.fromCharCode(...bytes)) ?? [];
  if (keyId === undefined || tokenId === undefined || principalId === undefined) return undefined;
  // The first 48 bits of a UUID of version 7 are its time (RFC 9562 §5.7).
  const issuedAt = new Date(Number.parseInt(tokenId.slice(0, 8) + tokenId.slice(9, 13), 16));
  return { keyId, tokenId, principalId, issuedCaveats: Number(count), issuedAt };
}

import type { Page, PageRequest } from "./page.ts";
import type { Principal } from "./principals.ts";

/** A caveat as it was issued: its text, or for a third-party one where it is discharged. */
export type IssuedCaveat = { readonly text: string } | { readonly location: string };

/** The record of an issued root macaroon. It holds nothing that would let anyone rebuild the token. */
export interface TokenRecord {
  /** UUIDv7; its time is `issuedAt`. */
  readonly id: string;
  readonly platform: string;
  readonly keyId: string;
  readonly principalId: string;
  /** 16 bytes, of the last issued link. */
  readonly revocationId: Uint8Array;
  /** Unix milliseconds, by the database's clock. */
  readonly issuedAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  readonly caveats: readonly IssuedCaveat[];
  readonly label: string | null;
  /** Token id of the credential that asked for it; null if the principal did. */
  readonly issuedBy: string | null;
}

/** A token with the principal that it was issued for. */
export interface TokenWithPrincipal {
  readonly token: TokenRecord;
  readonly principal: Principal;
}

/** Whose tokens are asked for; the members given must all match. */
export interface TokenFilter {
  readonly platform?: string;
  /** A human, over all platforms. */
  readonly human?: { readonly issuer: string; readonly subject: string };
}

/** Issued tokens. Every method rejects only when the store could not answer. */
export interface TokenStore {
  insert(token: TokenRecord): Promise<void>;
  /** @returns undefined if no token has the id or the filter does not match: the caller cannot tell which */
  find(id: string, filter: TokenFilter): Promise<TokenWithPrincipal | undefined>;
  /** Tokens by their ids, in any order; without those that are not there. */
  findAll(ids: readonly string[]): Promise<readonly TokenWithPrincipal[]>;
  /** Newest first; the page key is the token id. */
  list(filter: TokenFilter, page: PageRequest): Promise<Page<TokenWithPrincipal>>;
}

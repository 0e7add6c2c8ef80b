import type { Page, PageRequest } from "./parts/page.ts";
import type { Principal } from "./principals.ts";
import type { RevocationScope } from "./revocations.ts";

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

/** A link of a chain below those that were issued, as verify saw it. */
export interface SeenLink {
  /** The revocation id: 16 bytes. */
  readonly link: Uint8Array;
  /** The caveat, fit to be shown: escaped and cut. */
  readonly caveat: string;
  /** The nearest agent at or above it; null before the first. */
  readonly agent: string | null;
  /** Whether it is an `agent` caveat. */
  readonly handsOn: boolean;
  /** Hand-overs at or above it, of those that were not issued. */
  readonly level: number;
}

/** Verdicts on one chain since it was last recorded. */
export interface SeenChain {
  readonly tokenId: string;
  /** The last link that was issued: 16 bytes. */
  readonly issued: Uint8Array;
  /** The last agent that was issued; null if none was. */
  readonly issuedAgent: string | null;
  /** The last link alone, once it is on record; or the links below one that is, or below the issued one. */
  readonly links:
    | { readonly last: Uint8Array }
    | { readonly above: Uint8Array | undefined; readonly added: readonly SeenLink[] };
  readonly allowed: number;
  readonly refused: number;
  /** Unix milliseconds. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** The approvals that it came with. */
  readonly approvals: readonly string[];
}

/** A link as it is on record. The issued one has no parent, and no caveat of its own. */
export interface ObservedLink {
  readonly tokenId: string;
  readonly link: Uint8Array;
  readonly parent: Uint8Array | null;
  readonly caveat: string | null;
  readonly agent: string | null;
  readonly handsOn: boolean;
  /** Unix milliseconds. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  readonly allowed: number;
  readonly refused: number;
  /** Allowed calls of the last hour, in parts of five minutes. */
  readonly lastHour: number;
  /** Of the issued link: whether all that was seen below it is on record. */
  readonly whole: boolean;
  readonly approvals: readonly string[];
}

/** A chain whose last link is not on record. */
export interface CutChain {
  /** Its place among those that were recorded together. */
  readonly place: number;
  /** Whether there was no room for it. */
  readonly full: boolean;
  /** The link that it counts at. */
  readonly at: Uint8Array;
}

/** How much is recorded of one tree. */
export interface TreeBounds {
  /** Links right below one link. */
  readonly children: number;
  /** Links below the issued one; a quarter of it below each hand-over, a quarter of that below the next, … */
  readonly below: number;
  /** Links below a hand-over at least, however deep it stands. */
  readonly leastBelow: number;
}

/** The fact by which a revocation's tokens are found. */
export type TreeSearch =
  | { readonly kind: "link"; readonly link: Uint8Array }
  | { readonly kind: "token"; readonly tokenId: string }
  /** A name, or `name#instance`. */
  | { readonly kind: "agent"; readonly agent: string }
  | { readonly kind: "approval"; readonly approvalId: string }
  | { readonly kind: "principal"; readonly issuer: string; readonly subject: string }
  | { readonly kind: "principal_id"; readonly id: string }
  | { readonly kind: "platform"; readonly platform: string; readonly keyId: string | undefined };

/** A budget whose rest is asked for. */
export interface AskedBudget {
  /** The revocation id of its link: 16 bytes. */
  readonly link: Uint8Array;
  /** Its limit, a decimal in plain notation. */
  readonly most: string;
  /** The window of a `rate`, milliseconds; undefined for a budget that never gains. */
  readonly window: number | undefined;
}

/** The links that verify has seen. Every method rejects only when the store could not answer. */
export interface LinkStore {
  /**
   * Records chains. One of which no call was allowed adds no link: it counts at the nearest link that is on
   * record, and so does a chain beyond the bounds.
   *
   * @returns the chains whose last link is not on record
   */
  observe(chains: readonly SeenChain[], bounds: TreeBounds): Promise<readonly CutChain[]>;
  /** The trees of some tokens: parents before children, `limit` links at most. @param now unix milliseconds */
  trees(tokenIds: readonly string[], limit: number, now: number): Promise<readonly ObservedLink[]>;
  /**
   * The rest of each budget, a decimal in plain notation. Reads alone: nothing is taken, and no counter is held.
   *
   * @param now unix milliseconds
   */
  left(platform: string, budgets: readonly AskedBudget[], now: number): Promise<readonly string[]>;
  /** The token id of the tree in which a link stands: no two trees share one. */
  treeOf(link: Uint8Array): Promise<string | undefined>;
  /**
   * Ids of tokens within a scope that live at `now` (unix milliseconds) and that a search may mean: perhaps more, newest
   * first.
   *
   * @returns `whole` is false if there may be others
   */
  find(
    search: TreeSearch,
    scope: RevocationScope,
    now: number,
    limit: number,
  ): Promise<{ readonly tokenIds: readonly string[]; readonly whole: boolean }>;
}

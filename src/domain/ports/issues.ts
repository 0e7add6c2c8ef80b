import type { AuditEvent } from "./audit.ts";
import type { KeptAnswer } from "./idempotency.ts";
import type { Redeeming } from "./oauth.ts";
import type { Policy } from "./policy.ts";
import type { Principal } from "./principals.ts";
import type { LogPosition } from "./revocations.ts";
import type { Grant } from "./sessions.ts";
import type { TokenRecord } from "./tokens.ts";

/** Whom a token is asked for, and on which platform. */
export type Who = Pick<Principal, "platform" | "issuer" | "subject" | "assertedBy">;

/** What issuing has to know first, at one moment. */
export interface IssueMoment {
  /** The database's clock, unix milliseconds. */
  readonly now: number;
  /** The policies of the platforms that were asked about, by name; of those that exist. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** One for each that was asked about, in that order; undefined for whoever is not on record. */
  readonly principals: readonly (Principal | undefined)[];
  /** The date of the issuer's word on each person, unix milliseconds; undefined if it is not known. */
  readonly saidAt: readonly (number | undefined)[];
}

/** What a line of tokens rests on, each of which renews the one before. */
export interface TokenLine {
  /** The token id of its first token. */
  readonly id: string;
  /** When the person, or else their issuer, last spoke before the first; by a platform's word when that was issued. Unix milliseconds. */
  readonly spokeAt: number;
  /** What the issuer said at the beginning: policy is asked by it each time. */
  readonly groups: readonly string[];
  /** The claims of an assertion that are texts; null if none was shown. */
  readonly claims: Readonly<Record<string, string>> | null;
  /** No token of the line ends later but the first, unix milliseconds. */
  readonly endsAt: number;
}

/** A token that is renewed, and the reach of the look through the revocation log that has let it pass. */
export interface Renewal {
  readonly line: string;
  /** The token id of the token that was shown. */
  readonly predecessor: string;
  /** All before this has been looked through. */
  readonly known: Pick<LogPosition, "epoch" | "number">;
  readonly spokeAt: number;
  readonly issuer: string;
  readonly subject: string;
  readonly keyId: string;
  /** The revocation ids of the token's links, 16 bytes each. */
  readonly links: readonly Uint8Array[];
  /** By name and by `name#instance`. */
  readonly agents: readonly string[];
}

/** Most tokens of one line, and those of them that live at a time. */
export const LINE_LIMITS = { tokens: 10_000, alive: 100 };

/** Lines of tokens. Every method rejects only when the store could not answer. */
export interface LineStore {
  /** The line in which a token stands; undefined if it stands in none, or in one that is over at `now` (unix milliseconds). */
  find(tokenId: string, now: number): Promise<TokenLine | undefined>;
  /** The token that a token renewed; undefined if it renewed none. */
  predecessor(tokenId: string): Promise<string | undefined>;
  /**
   * The tokens that renewed some tokens, or that renewed those, and have not expired at `now` (unix milliseconds). In a
   * transaction that holds the revocation log none is missing.
   */
  successors(tokenIds: readonly string[], now: number): Promise<readonly string[]>;
  /**
   * Drops what lines rest on that are over at `now`, and records of tokens that expired before `recordsBefore`; unix
   * milliseconds.
   */
  drop(now: number, recordsBefore: number): Promise<void>;
}

/** A token that was minted, as it is recorded. */
export interface NewIssue {
  readonly token: TokenRecord;
  readonly principal: Principal;
  /** Whether the principal is new or has changed, and is to be written too. */
  readonly newcomer: boolean;
  readonly event: AuditEvent;
  /** The login that is redeemed for it; undefined if a platform asked, by its own word of that moment. */
  readonly grant: Grant | undefined;
  /** The line that it begins; absent if it cannot be renewed, or renews another one. */
  readonly opens?: TokenLine;
  /** The token that it renews; absent if it renews none. */
  readonly renewal?: Renewal;
  /** The code or refresh token that is redeemed for it; absent if none is. */
  readonly redeems?: Redeeming | undefined;
  /** Kept under the request's idempotency key; undefined if it had none. */
  readonly answer: KeptAnswer | undefined;
}

/** Whether an issue was recorded, and if not, why nothing of it was. */
export type IssueOutcome =
  | "recorded"
  /** Somebody else has just put the principal on record, under another id. */
  | "principal taken"
  /** Another attempt under the idempotency key has taken over. */
  | "lease lost"
  /** The login that was to be redeemed, or the token that was to be renewed, has ended with a revocation. */
  | "login revoked"
  /** The line is over. */
  | "line over"
  /** The line has too many tokens. */
  | "line crowded"
  /** The code or refresh token has been redeemed by somebody else, or its family has ended. */
  | "grant gone";

/** Issues of tokens, many at a time. Every method rejects only when the store could not answer. */
export interface IssueStore {
  /** Reads what is needed to mint, in one statement. */
  look(whos: readonly Who[]): Promise<IssueMoment>;
  /**
   * Records issues, in the caller's transaction or else in one of its own, in one statement. On rejection none
   * is recorded. If one of them redeems a login, the revocation log's counter row is locked until that ends.
   *
   * @returns one for each, in their order
   */
  record(issues: readonly NewIssue[]): Promise<readonly IssueOutcome[]>;
}

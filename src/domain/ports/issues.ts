import type { AuditEvent } from "./audit.ts";
import type { KeptAnswer } from "./idempotency.ts";
import type { Redeeming } from "./oauth.ts";
import type { Policy } from "./policy.ts";
import type { Principal } from "./principals.ts";
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
  /** The login that was to be redeemed has ended with a revocation. */
  | "login revoked"
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

import type { ProblemCode } from "../../words/problem-codes.ts";
import type { RefusalCode } from "../../words/refusal-codes.ts";

/** What verify answered: `unanswered` where it could not. */
export type Decision = "allowed" | "refused" | "unanswered";

/** Why, as far as there is a reason. */
export type DecisionCode = RefusalCode | ProblemCode | "none";

/** What became of one call's charge. */
export type ChargeOutcome = "charged" | "exhausted" | "repeated" | "failed";

/** Every way to a root macaroon: by whom it is asked for, or the grant that is redeemed. */
export const ISSUED_HOW = [
  "human",
  "platform",
  "renewal",
  "authorization_code",
  "refresh_token",
  "device_code",
  "jwt-bearer",
  "token-exchange",
] as const;

/** One of {@link ISSUED_HOW}, or `other` for a grant that is not among them. */
export type IssuedHow = (typeof ISSUED_HOW)[number] | "other";

/** Counts what the service does, for its operator. Nothing here waits, throws, or takes a text that somebody sent. */
export interface Meter {
  /** @param milliseconds how long the answer took; undefined for one of a batch */
  verified(decision: Decision, code: DecisionCode, milliseconds: number | undefined): void;
  /** A bundle was looked for among those that were verified before. */
  lookedUp(found: boolean): void;
  issued(how: IssuedHow): void;
  charged(outcome: ChargeOutcome): void;
  /** Decisions, or places in the audit log's tree, could not be written. */
  auditFailed(): void;
  /** Entries of the revocation log came to be known here. @param milliseconds since the oldest of them was written */
  learned(milliseconds: number): void;
}

/** Counts nothing. */
export const NO_METER: Meter = {
  verified() {},
  lookedUp() {},
  issued() {},
  charged() {},
  auditFailed() {},
  learned() {},
};

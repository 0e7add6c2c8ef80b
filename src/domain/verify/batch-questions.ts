import type { Outcome } from "../parts/gathering.ts";
import type { BudgetOutcome } from "../ports/budgets.ts";
import type { Revocation } from "../ports/revocations.ts";
import type { AskingResource } from "../replica/known-resources.ts";
import type { RevocationSubject } from "../replica/revocation-subject.ts";
import type { BatchResult, Verdict } from "../service.ts";
import type { VerifiedToken } from "./verify-token.ts";
import type { Vouching } from "./vouching.ts";

/** A token that nothing forbids but its budgets, or a proof that was used before, and those are asked. */
export interface Charged {
  readonly token: VerifiedToken;
  readonly vouching: Vouching | undefined;
  readonly asking: AskingResource | undefined;
  readonly charged: Promise<BudgetOutcome>;
}

/** One question of a batch, while others are waited for. */
export type Waiting =
  | Concluded
  | {
      readonly kind: "charged";
      readonly token: VerifiedToken;
      readonly vouching: Vouching | undefined;
      readonly asking: AskingResource | undefined;
      readonly charged: Promise<Outcome<BudgetOutcome>>;
    }
  /** A refusal of a revoked token, while the entry that revoked it is looked up. */
  | {
      readonly kind: "dead";
      readonly token: VerifiedToken;
      readonly verdict: Verdict;
      readonly entry: Promise<Revocation | undefined>;
    };

/** One of which nothing is waited for any more. */
export type Concluded =
  | { readonly kind: "said"; readonly result: BatchResult }
  /** The token's facts are kept, and not the token: a batch of large ones would hold far more than its body. */
  | { readonly kind: "allowed"; readonly verdict: AllowedVerdict; readonly subject: RevocationSubject };

export type AllowedVerdict = Extract<Verdict, { readonly allowed: true }>;

/** How many caveats and budgets an answer tells of, one by one. */
export function lengthOf(waiting: Waiting): number {
  if (waiting.kind === "charged") return waiting.token.budgets.length;
  const result = waiting.kind === "said" ? waiting.result : waiting.verdict;
  return "failures" in result ? result.failures.length : 0;
}

/** The work that a question waits for; undefined for none. */
export function waitedFor(waiting: Waiting): Promise<unknown> | undefined {
  if (waiting.kind === "charged") return waiting.charged;
  return waiting.kind === "dead" ? waiting.entry : undefined;
}

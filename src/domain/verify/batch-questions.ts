import type { Outcome } from "../parts/gathering.ts";
import type { BudgetOutcome } from "../ports/budgets.ts";
import type { RevocationSubject } from "../replica/revocation-subject.ts";
import type { BatchResult, Verdict } from "../service.ts";
import type { VerifiedToken } from "./verify-token.ts";
import type { Vouching } from "./vouching.ts";

/** A token that nothing forbids but its budgets, or a proof that was used before, and those are asked. */
export interface Charged {
  readonly token: VerifiedToken;
  readonly vouching: Vouching | undefined;
  readonly charged: Promise<BudgetOutcome>;
}

/** One question of a batch, while others are waited for. */
export type Waiting =
  | Concluded
  | {
      readonly kind: "charged";
      readonly token: VerifiedToken;
      readonly vouching: Vouching | undefined;
      readonly charged: Promise<Outcome<BudgetOutcome>>;
    };

export type Concluded =
  | { readonly kind: "said"; readonly result: BatchResult }
  /** The token's facts are kept, and not the token: a batch of large ones would hold far more than its body. */
  | { readonly kind: "allowed"; readonly verdict: AllowedVerdict; readonly subject: RevocationSubject };

export type AllowedVerdict = Extract<Verdict, { readonly allowed: true }>;

/** How many caveats and budgets an answer tells of, one by one. */
export function lengthOf(waiting: Waiting): number {
  if (waiting.kind === "charged") return waiting.token.budgets.length;
  return waiting.kind === "said" && "failures" in waiting.result ? waiting.result.failures.length : 0;
}

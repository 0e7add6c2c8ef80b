import { TOKEN_BUDGETS } from "../../words/limits.ts";

/**
 * How much may still be done to clear one chain, or all of one bundle, in characters, elements and items looked at.
 *
 * A chain of 256 caveats over a context of a megabyte is cheap to send; without a bound on the product it
 * would not be cheap to answer. Work that is left undone when the bound is reached is refused, so more caveats can
 * never make a request pass. Mutable, and shared by all caveats of a chain.
 */
export interface Work {
  left: number;
  /** How many budgets may still be met with. */
  budgets: number;
}

/** Enough to look once at every character of the largest request; a few milliseconds at the very most. */
export const WORK_LIMIT = 2_000_000;

/** A fresh allowance. */
export function newWork(limit: number = WORK_LIMIT): Work {
  return { left: limit, budgets: TOKEN_BUDGETS };
}

/** Takes from the allowance; false once it is used up. */
export function spend(work: Work, amount: number): boolean {
  work.left -= amount;
  return work.left >= 0;
}

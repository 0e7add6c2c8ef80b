import type { TraceStep } from "./steps.ts";
import { type Verification, type VerifyOptions, verifyStepwise } from "./verify.ts";

/** A verification and the steps that led to it. */
export interface Trace {
  readonly verification: Verification;
  /** Every keyed operation, in the order in which it was done. */
  readonly steps: readonly TraceStep[];
}

/**
 * Verifies, and tells every keyed step: to find the step at which two implementations, or two tokens, part.
 *
 * **The steps hold secrets**: the derived root key, caveat keys and every tail, and each tail is the
 * macaroon as it was before the caveats after it. They are for holders of the root key alone, at
 * their own terminal. They must never be logged, stored, sent anywhere, or be reachable through a service.
 */
export function traceVerify(options: VerifyOptions): Trace {
  const steps: TraceStep[] = [];
  const verification = verifyStepwise(options, (step) => steps.push(step));
  return { verification, steps };
}

/**
 * Every reason to refuse a token. A verdict names the first reason of this list that applies. Codes are added and
 * never renamed.
 */
export const REFUSAL_CODES = [
  "malformed",
  "too_large",
  "unknown_key",
  "bad_signature",
  "revoked",
  "expired",
  "discharge_invalid",
  "depth_exceeded",
  "holder_proof_required",
  "holder_proof_invalid",
  "caveat_unknown",
  "caveat_failed",
  "discharge_missing",
  "budget_exhausted",
] as const;

/** One of {@link REFUSAL_CODES}. */
export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** The reason that a verdict names: of the first code that applies. @returns undefined for no reasons */
export function firstRefusal<Reason extends { readonly code: RefusalCode }>(
  reasons: readonly Reason[],
): Reason | undefined {
  for (const code of REFUSAL_CODES) {
    const reason = reasons.find((candidate) => candidate.code === code);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

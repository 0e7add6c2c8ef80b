/** Every `code` of a problem document (RFC 9457), by status. Codes are added and never renamed. */
export const PROBLEM_CODES = [
  "invalid_request",
  "unauthenticated",
  "forbidden",
  "denied",
  "not_found",
  "method_not_allowed",
  "conflict",
  "charge_mismatch",
  "idempotency_in_flight",
  "gone",
  "precondition_failed",
  "payload_too_large",
  "unsupported_media_type",
  "unprocessable",
  "ttl_too_long",
  "ticket_invalid",
  "condition_unknown",
  "idempotency_mismatch",
  "rate_limited",
  "internal_error",
  "unavailable",
] as const;

/** One of {@link PROBLEM_CODES}. */
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** Problems that only the HTTP layer finds. Use cases report all others. */
export type HttpProblemCode = Extract<
  ProblemCode,
  "method_not_allowed" | "payload_too_large" | "unsupported_media_type" | "internal_error"
>;

/** The media type of a problem document. */
export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** The `type` of a problem document: a name for the code, which resolves to nothing. */
export function problemType(code: string): string {
  return `urn:bakehouse:problem:${code}`;
}

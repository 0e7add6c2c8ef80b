/** Why a use case refused or could not answer. Stable: they are the `code` of problem documents. */
export type DomainErrorCode =
  | "invalid_request"
  | "unauthenticated"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "unprocessable"
  | "ttl_too_long"
  | "ticket_invalid"
  | "condition_unknown"
  | "denied"
  | "idempotency_mismatch"
  | "idempotency_in_flight"
  | "gone"
  | "rate_limited"
  | "unavailable";

/**
 * A refusal or an outage that the caller may be told of. The message is public: it names members and
 * sizes, never contents. Everything else that is thrown is a fault and reaches nobody.
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: DomainErrorCode;
  /** The member of the request that is at fault, as a path; undefined where none is. */
  readonly member: string | undefined;

  constructor(code: DomainErrorCode, message: string, member?: string) {
    super(message);
    this.code = code;
    this.member = member;
  }
}

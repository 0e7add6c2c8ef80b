import type { HttpProblemCode, ProblemCode } from "../../words/problem-codes.ts";
import type { FailureFacts } from "../ports/parts/failure.ts";

/** Why a use case refused or could not answer. */
export type DomainErrorCode = Exclude<ProblemCode, HttpProblemCode>;

/**
 * A refusal or an outage that the caller may be told of. The message is public: it names members and
 * sizes, never contents. Any other error is a fault, and its message reaches no caller.
 */
export class DomainError extends Error {
  override readonly name = "DomainError";
  readonly code: DomainErrorCode;
  /** The member of the request that is at fault, as a path. Undefined if no member is at fault. */
  readonly member: string | undefined;
  /** Facts that are logged with the request and not told to the caller. */
  readonly facts: FailureFacts | undefined;

  constructor(code: DomainErrorCode, message: string, member?: string, facts?: FailureFacts) {
    super(message);
    this.code = code;
    this.member = member;
    this.facts = facts;
  }
}

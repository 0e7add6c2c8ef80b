import { DomainError } from "../../domain/parts/error.ts";
import { JsonError } from "../../json/error.ts";
import type { HttpProblemCode, ProblemCode } from "../../words/problem-codes.ts";
import { type Problem, problem } from "./problem-document.ts";

/** A refusal that only HTTP knows. The message is public, like a DomainError's. */
export class HttpError extends Error {
  override readonly name = "HttpError";
  readonly code: HttpProblemCode;
  /** Headers that the answer must carry, such as `allow`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The part of the request that is at fault; undefined for the whole of it. */
  readonly member: string | undefined;

  constructor(
    code: HttpProblemCode,
    message: string,
    headers: Readonly<Record<string, string>> = {},
    member?: string,
  ) {
    super(message);
    this.code = code;
    this.headers = headers;
    this.member = member;
  }
}

/**
 * The problem document of an error that callers may be told of.
 *
 * @returns undefined for a fault: its message was not written for callers
 */
export function publicProblem(error: unknown): Problem | undefined {
  if (error instanceof DomainError) return problem(error.code, error.message, error.member);
  if (error instanceof HttpError) return problem(error.code, error.message, error.member);
  if (error instanceof JsonError) return problem("invalid_request", error.message, error.path);
  return undefined;
}

/** The problem of a fault: bare, because a fault's own words may hold anything. */
export function internalProblem(): Problem {
  return problem("internal_error", "internal error");
}

// Seconds. A dependency that is down is asked again soon; a limit is given time to refill.
const RETRY_AFTER: Partial<Readonly<Record<ProblemCode, string>>> = {
  unavailable: "2",
  rate_limited: "10",
  idempotency_in_flight: "1",
};

/** Headers that follow from a problem's code. */
export function problemHeaders(code: ProblemCode): Readonly<Record<string, string>> {
  const retryAfter = RETRY_AFTER[code];
  return retryAfter === undefined ? {} : { "retry-after": retryAfter };
}

import type { ProblemCode as KnownProblemCode } from "../words/problem-codes.ts";
/** The `code` of an error that the service answers. A newer service may answer codes that are not in the list. */
export type ProblemCode = KnownProblemCode | (string & {});

/**
 * Why a call has no answer, besides the service's own errors.
 *
 * `unreachable`: no connection, or it broke. `timeout`: no answer in time. `bad_answer`: the answer is none of this
 * API. None of them says anything about a token.
 */
export type ConnectionCode = "unreachable" | "timeout" | "bad_answer";

/** A call that failed: the service's own problem document (RFC 9457), or the way to it. */
export class BakehouseError extends Error {
  override readonly name = "BakehouseError";
  /** The code to switch on. The message is for people. */
  readonly code: ProblemCode | ConnectionCode;
  // Declared alone: what is absent is no member, or Node prints it as undefined under each uncaught error.
  /** The answer's HTTP status; undefined if there was no answer. */
  declare readonly status: number | undefined;
  /** The member, parameter or header at fault. */
  declare readonly member: string | undefined;
  /** Finds the request in the service's log. */
  declare readonly requestId: string | undefined;
  /** Seconds after which the service asks to be asked again. */
  declare readonly retryAfter: number | undefined;

  constructor(
    code: ProblemCode | ConnectionCode,
    message: string,
    facts: {
      readonly status?: number | undefined;
      readonly member?: string | undefined;
      readonly requestId?: string | undefined;
      readonly retryAfter?: number | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    const { status, member, requestId, retryAfter } = facts;
    if (status !== undefined) this.status = status;
    if (member !== undefined) this.member = member;
    if (requestId !== undefined) this.requestId = requestId;
    if (retryAfter !== undefined) this.retryAfter = retryAfter;
  }
}

/**
 * Why a token could not be read or made.
 *
 * `malformed`, `too_large`: the text is no token, or one over the limits. `invalid_caveat`: a caveat that every
 * verifier would refuse. `bound_discharges`: the bundle's discharges are bound to this very token, so narrowing
 * it would break them. `undischarged`: a third-party caveat cannot be discharged at the places that the caller allows, or
 * there is none that caveats for its discharge could narrow.
 */
export type TokenErrorCode =
  | "malformed"
  | "too_large"
  | "invalid_caveat"
  | "bound_discharges"
  | "undischarged";

/** A token that could not be read or made. The message names rules and sizes, and of contents only a caveat at fault. */
export class TokenError extends Error {
  override readonly name = "TokenError";
  readonly code: TokenErrorCode;
  /** The text of the caveat at fault, as it was given; undefined if it is none, or too much like a token to be kept. */
  declare readonly caveat: string | undefined;

  constructor(code: TokenErrorCode, message: string, caveat?: string) {
    super(message);
    this.code = code;
    if (caveat !== undefined) this.caveat = caveat;
  }
}

import { PROBLEM_CODES, type ProblemCode } from "../../words/problem-codes.ts";

interface ProblemKind {
  readonly status: number;
  /** The same for every occurrence (RFC 9457 §3.1.3). */
  readonly title: string;
  /** For openapi.yaml. */
  readonly description: string;
}

/** The status, title and description of every problem. Failures are mapped to HTTP here and nowhere else. */
export const PROBLEMS = {
  invalid_request: {
    status: 400,
    title: "The request is not valid",
    description:
      "A member, query parameter or header is missing, unknown, repeated or has a wrong value, or the body is not acceptable JSON. `member` names what is at fault. Do not repeat it unchanged.",
  },
  unauthenticated: {
    status: 401,
    title: "No valid credential",
    description:
      "A credential is needed and there was none, or the one that was sent is malformed, expired, revoked, or no credential of this API.",
  },
  forbidden: {
    status: 403,
    title: "Not allowed",
    description:
      "The caller is known and may not do this: by its role, by a caveat of its credential, by the platform's policy, or because a write with a session cookie did not come from the service's own pages.",
  },
  denied: {
    status: 403,
    title: "The discharge is denied",
    description:
      "The person who was asked said no, or the caller does not satisfy the ticket's condition. Asking again for the same is of no use.",
  },
  not_found: {
    status: 404,
    title: "Not found",
    description: "There is no such thing, or it belongs to somebody else: the two look the same.",
  },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    description: "The path exists but not with this method. `Allow` lists those it has.",
  },
  conflict: {
    status: 409,
    title: "Conflict",
    description: "It contradicts what already exists, such as a platform of the same name.",
  },
  charge_mismatch: {
    status: 409,
    title: "Another question has used this charge_id",
    description:
      "The `charge_id` was charged before for another token, context, cost or reservation. Nothing was charged now.",
  },
  idempotency_in_flight: {
    status: 409,
    title: "The same request is still being answered",
    description:
      "An earlier request under the same `Idempotency-Key` has not been answered yet. Repeat later.",
  },
  gone: {
    status: 410,
    title: "No longer kept",
    description:
      "The revocation log no longer holds what follows the given `after`: start over from the beginning. Or a request for a discharge has expired, or made room for newer ones: ask again.",
  },
  precondition_failed: {
    status: 412,
    title: "It has changed meanwhile",
    description: "`If-Match` names another state than the one that stands. Read it again, and decide anew.",
  },
  payload_too_large: {
    status: 413,
    title: "The request is too large",
    description:
      "The body is over 1 MiB, or over 16 MiB for a batch; without a credential, over 256 KiB, 256 values or 32 targets of a revocation. Or a form is over 16 KiB or 32 parameters, one with a token over 96 KiB or 8, or a query over 16 KiB or 32. `member` names what there is too much of.",
  },
  unsupported_media_type: {
    status: 415,
    title: "The body is of another type",
    description:
      "`Content-Type` is not `application/json` (for the OAuth routes `application/x-www-form-urlencoded`), or the body is compressed.",
  },
  unprocessable: {
    status: 422,
    title: "Well-formed, but it cannot be done",
    description: "Each member is valid by itself, but what they ask for together cannot be done.",
  },
  ttl_too_long: {
    status: 422,
    title: "The life asked for is too long",
    description: "`ttl` is more than policy allows. It is never shortened silently.",
  },
  ticket_invalid: {
    status: 422,
    title: "The ticket does not open",
    description:
      "It is not a ticket, is made for another key than this service's, was altered, or its payload is missing.",
  },
  condition_unknown: {
    status: 422,
    title: "The ticket's condition is not served",
    description: "Its condition, or an option of it, is not one that this service knows, or is malformed.",
  },
  idempotency_mismatch: {
    status: 422,
    title: "Another request has used this key",
    description: "The `Idempotency-Key` was used before, with another body.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    description: "Repeat after `Retry-After` seconds.",
  },
  internal_error: {
    status: 500,
    title: "Internal error",
    description: "A fault of the service. Nothing more is said; `X-Request-Id` finds it in the log.",
  },
  unavailable: {
    status: 503,
    title: "No answer can be given now",
    description:
      "The service could not find out, because something that it depends on does not answer. This says nothing about the token or the credential. Repeat after `Retry-After` seconds.",
  },
} as const satisfies Readonly<Record<ProblemCode, ProblemKind>>;

/** The codes that share a status. */
export function codesOf(status: number): readonly ProblemCode[] {
  return PROBLEM_CODES.filter((code) => PROBLEMS[code].status === status);
}

import { PROBLEM_MEDIA_TYPE, problemType } from "../../words/problem-codes.ts";
import type { RefusalCode } from "../../words/refusal-codes.ts";
import type { Allowed, Refused, Verdict } from "../answers.ts";
import { readBearer } from "../bearer.ts";
import { BakehouseError } from "../error.ts";
import { type GuardProof, proofMembers } from "../holder/presented.ts";
import type { Context, VerifyRequest } from "../requests.ts";
import type { CallOptions } from "../transport.ts";

/** Answers questions: a client of the service, or a local verifier in front of it. */
export interface Verifier {
  verify(request: VerifyRequest, options?: CallOptions): Promise<Verdict>;
}

/** A guard's decision about a request. */
export type GuardDecision =
  | { readonly pass: true; readonly verdict: Allowed }
  | {
      readonly pass: false;
      readonly status: 400 | 401 | 403 | 503;
      readonly headers: Headers;
      readonly body: string;
    };

/** A request, as a guard sees it. */
export interface GuardRequest {
  /** The `Authorization` header. */
  readonly authorization: string | null | undefined;
  readonly context: Context;
  readonly cost?: VerifyRequest["cost"];
  /** Seconds for which `cost` is charged as an upper bound. */
  readonly reserve?: VerifyRequest["reserve"];
  /** For tokens with a `holder`; without it they are refused. */
  readonly proof?: GuardProof | undefined;
  readonly signal?: AbortSignal;
  /** As {@link GuardOptions} has it. */
  readonly onError?: ((error: BakehouseError) => void) | undefined;
}

/** Settings of a guard. */
export interface GuardOptions {
  /**
   * The origin under which callers know this server, such as `https://api.example`: what they sign is held to it. Without it
   * tokens with a `holder` are refused, because a request's own `Host` is its caller's word.
   */
  readonly origin?: string;
  /**
   * Told why a request was answered with 503: no answer could be had from the service, or it did not take this server's
   * own credential. The caller of the request is never told.
   */
  readonly onError?: (error: BakehouseError) => void;
}

/** Refusals that another token, or a new one, would cure: RFC 6750 §3.1 calls them `invalid_token`. */
const INVALID_TOKEN: ReadonlySet<string> = new Set<RefusalCode>([
  "malformed",
  "too_large",
  "unknown_key",
  "bad_signature",
  "revoked",
  "expired",
  "discharge_invalid",
  "holder_proof_required",
  "holder_proof_invalid",
]);

/**
 * Decides one request: 401 without a good token, 403 for a token that forbids it, 503 if nobody could find out.
 *
 * The three are never mixed up: an outage lets nobody in, and tells nobody that their token is bad.
 */
export async function decide(verifier: Verifier, request: GuardRequest): Promise<GuardDecision> {
  const bearer = readBearer(request.authorization);
  if (bearer.state === "none") return denied(401, "unauthenticated", "a token is needed", "Bearer");
  if (bearer.state === "malformed") {
    return denied(401, "unauthenticated", "the token cannot be read", 'Bearer error="invalid_token"');
  }
  const { context, cost, reserve, signal } = request;
  const question = {
    token: bearer.token,
    context,
    ...(cost !== undefined && { cost }),
    ...(reserve !== undefined && { reserve }),
    ...proofMembers(request.proof),
  };
  let verdict: Verdict;
  try {
    verdict = await verifier.verify(question, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof BakehouseError)) throw error;
    request.onError?.(error);
    return denied(503, "unavailable", "whether the token is good cannot be found out now");
  }
  if (verdict.allowed) return { pass: true, verdict };
  const invalid = INVALID_TOKEN.has(verdict.code);
  return denied(
    invalid ? 401 : 403,
    verdict.code,
    verdict.detail,
    challengeOf(verdict.code, invalid),
    verdict,
  );
}

/** A caller without a good proof is told which keys will do (RFC 9449 §7.1). */
function challengeOf(code: string, invalid: boolean): string {
  switch (code) {
    case "holder_proof_required":
      return 'DPoP error="invalid_token", algs="Ed25519 ES256"';
    case "holder_proof_invalid":
      return 'DPoP error="invalid_dpop_proof", algs="Ed25519 ES256"';
    default:
      return `Bearer error="${invalid ? "invalid_token" : "insufficient_scope"}"`;
  }
}

/** Refuses a request with a target that no guard can clear. @param reason as {@link readTarget} gives it */
export function refuseTarget(reason: string): GuardDecision {
  return denied(400, "invalid_request", reason);
}

const TITLES = {
  400: "The request is not valid",
  401: "No valid token",
  403: "The token does not allow this",
  503: "No answer can be given now",
};

/** An RFC 9457 document, with the facts that a holder needs to do better. */
function denied(
  status: 400 | 401 | 403 | 503,
  code: string,
  detail: string,
  challenge?: string,
  verdict?: Refused,
): GuardDecision {
  const headers = new Headers({ "content-type": PROBLEM_MEDIA_TYPE, "cache-control": "no-store" });
  if (challenge !== undefined) headers.set("www-authenticate", challenge);
  if (status === 503) headers.set("retry-after", "1");
  const body = JSON.stringify({
    type: problemType(code),
    title: TITLES[status],
    status,
    code,
    detail,
    ...(verdict && { failures: verdict.failures, undischarged: verdict.undischarged }),
  });
  return { pass: false, status, headers, body };
}

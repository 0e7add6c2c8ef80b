import { parseCaveat } from "../../caveats/parse.ts";
import { PROBLEM_MEDIA_TYPE, problemType } from "../../words/problem-codes.ts";
import type { RefusalCode } from "../../words/refusal-codes.ts";
import type { Allowed, AllowedDecision, Refused, Verdict, VerifyDecision } from "../answers.ts";
import { BakehouseError } from "../error.ts";
import { type GuardProof, proofMembers } from "../holder/presented.ts";
import type { Context, VerifyRequest } from "../requests.ts";
import {
  aFunction,
  anObject,
  aText,
  type Check,
  type Checks,
  checkOptions,
  checkShape,
  ifSaid,
} from "../shape.ts";
import type { CallOptions } from "../transport.ts";
import { readBearer } from "./bearer.ts";
import { createOutage, type Outage, type OutageListener } from "./outage.ts";
import { checkSettle, PRICE, type Price } from "./price.ts";

/** Answers questions: a client of the service, or a local verifier in front of it. */
export interface Verifier {
  verify(request: VerifyRequest, options?: CallOptions): Promise<Verdict>;
}

/** A verifier that knows short answers: a client of the service. */
export interface Decider extends Verifier {
  decision(request: VerifyRequest, options?: CallOptions): Promise<VerifyDecision>;
}

/** A guard's decision about a request. */
export type GuardDecision<V extends AllowedDecision = Allowed> =
  | { readonly pass: true; readonly verdict: V }
  | Denied;

interface Denied {
  readonly pass: false;
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: Headers;
  readonly body: string;
}

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
  readonly resource?: string | undefined;
  readonly answer?: "decision" | undefined;
  /** As {@link GuardOptions} has it, but told of every request: nothing here knows the one before. */
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
   * The URI under which this server is registered as a resource: tokens that were issued for others are refused, and, unless it
   * accepts them, those that were issued for none. Without it, the resource that the credential was issued for.
   */
  readonly resource?: string;
  /**
   * Asks for the decision alone, which costs the service less: handlers get an {@link AllowedDecision}, without the texts for
   * people. A refusal then names no `failures`, and `onError` is not told of units without a cost. For a verifier that has
   * `decision`, as `createBakehouse` gives it: the local verifier answers by itself, and in full.
   */
  readonly answer?: "decision";
  /**
   * Told why requests are answered with 503: no answer can be had from the service, or it does not take this server's
   * own credential. Told when that begins, once a minute while it lasts, and when it is over. Told as well, once a minute
   * at most, of a token with a `spend` budget in a unit in which this guard states no cost: each such request is refused.
   * The caller of the request is never told.
   */
  readonly onError?: OutageListener;
}

const ANYTHING: Check = () => undefined;
const RESOURCE = ifSaid(aText('"https://mcp.example.com/mcp"'));
/** The one short answer that a guard can ask for. */
export const ANSWER: Check = ifSaid((answer) => (answer === "decision" ? undefined : '"decision"'));
const CONTEXT = anObject('{ action: "read" }');

const REQUEST: Checks<GuardRequest> = {
  authorization: (header) =>
    header === null || header === undefined
      ? undefined
      : aText("what the header Authorization holds")(header),
  context: CONTEXT,
  cost: ifSaid(anObject("{ credits: 3 }")),
  reserve: ANYTHING,
  proof: ifSaid(anObject("{ dpop, endorsements, method, uri }")),
  signal: ANYTHING,
  resource: RESOURCE,
  answer: ANSWER,
  onError: ifSaid(aFunction()),
};

const OPTIONS: Checks<GuardOptions & Price<never, never> & { readonly app?: object }> = {
  ...PRICE,
  origin: ANYTHING,
  resource: RESOURCE,
  answer: ANSWER,
  onError: ifSaid(aFunction("console.error")),
  app: (app) => (typeof app === "function" ? undefined : "the application that express() makes"),
};

/** @throws TypeError */
export function checkVerifier(name: string, verifier: Verifier): void {
  checkShape(`${name}: the verifier`, verifier, (value) =>
    typeof value === "object" && value !== null && "verify" in value && typeof value.verify === "function"
      ? undefined
      : "what createBakehouse or createLocalVerifier gives",
  );
}

/** @throws TypeError for a verifier that knows no short answers */
export function requireDecider(name: string, verifier: Verifier): Decider {
  if ("decision" in verifier && typeof verifier.decision === "function") return verifier as Decider;
  throw new TypeError(
    `${name}: answer: "decision" needs a verifier with decision: what createBakehouse gives`,
  );
}

/**
 * The arguments of a guard, whose faults are to show when it is made and not with its first request.
 *
 * @throws TypeError
 */
export function checkGuard(name: string, verifier: Verifier, facts: unknown, options: object): void {
  checkVerifier(name, verifier);
  checkShape(`${name}: the facts`, facts, aFunction('() => ({ action: "read" })'));
  checkOptions(name, options, OPTIONS, "{ onError: console.error }");
  checkSettle(name, options);
}

/** A refusal, whole or in short. */
type Refusal = Pick<Refused, "allowed" | "code" | "detail"> &
  Partial<Pick<Refused, "failures" | "undischarged">>;

/** The asking of a guard and its news to its owner, over all of its requests. */
export interface Telling<V extends AllowedDecision = Allowed> {
  ask(question: VerifyRequest, options: CallOptions): Promise<V | Refusal>;
  readonly outage: Outage;
  readonly unpriced: Pick<Outage, "failed">;
  /** The resource as which it asks. */
  readonly resource?: string | undefined;
}

const wholly =
  (verifier: Verifier): Telling["ask"] =>
  (question, options) =>
    verifier.verify(question, options);

const shortly =
  (decider: Decider): Telling<AllowedDecision>["ask"] =>
  (question, options) =>
    decider.decision(question, options);

function newsTo({ onError, resource }: GuardOptions): Omit<Telling, "ask"> {
  return { outage: createOutage(onError), unpriced: createOutage(onError), resource };
}

export function createTelling(verifier: Verifier, options: GuardOptions): Telling {
  return { ask: wholly(verifier), ...newsTo(options) };
}

/** The same for a guard with `answer: "decision"`. @throws TypeError */
export function createShortTelling(
  name: string,
  verifier: Verifier,
  options: GuardOptions,
): Telling<AllowedDecision> {
  return { ask: shortly(requireDecider(name, verifier)), ...newsTo(options) };
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
export async function decide(
  verifier: Decider,
  request: GuardRequest & { readonly answer: "decision" },
): Promise<GuardDecision<AllowedDecision>>;
export async function decide(verifier: Verifier, request: GuardRequest): Promise<GuardDecision>;
export async function decide(
  verifier: Verifier,
  request: GuardRequest,
): Promise<GuardDecision<AllowedDecision>> {
  checkVerifier("decide", verifier);
  checkOptions("decide", request, REQUEST, "{ authorization, context }");
  const failed = (error: BakehouseError) => request.onError?.(error);
  const { answer, resource } = request;
  const telling = { outage: { failed, answered() {} }, unpriced: { failed }, resource };
  return answer === undefined
    ? decideFor({ ask: wholly(verifier), ...telling }, request)
    : decideFor({ ask: shortly(requireDecider("decide", verifier)), ...telling }, request);
}

/** {@link decide}, for a guard that tells of all its requests together. */
export async function decideFor<V extends AllowedDecision>(
  { ask, outage, unpriced, resource }: Telling<V>,
  request: Omit<GuardRequest, "onError" | "resource" | "answer">,
): Promise<GuardDecision<V>> {
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
    ...(resource !== undefined && { resource }),
  };
  let verdict: V | Refusal;
  try {
    verdict = await ask(question, signal === undefined ? {} : { signal });
  } catch (error) {
    if (!(error instanceof BakehouseError)) throw error;
    outage.failed(error);
    return denied(503, "unavailable", "whether the token is good cannot be found out now");
  }
  outage.answered();
  if (verdict.allowed) return { pass: true, verdict };
  const unit = unpricedUnit(verdict, cost);
  if (unit !== undefined) {
    const cure = `state one: cost: () => ({ ${JSON.stringify(unit)}: 1 })`;
    unpriced.failed(
      new BakehouseError(
        "caveat_failed",
        `a token has a budget in ${JSON.stringify(unit)}, and this guard states no cost in it: ${cure}`,
      ),
    );
  }
  const invalid = INVALID_TOKEN.has(verdict.code);
  return denied(
    invalid ? 401 : 403,
    verdict.code,
    verdict.detail,
    challengeOf(verdict.code, invalid),
    verdict,
  );
}

const LONGEST_UNIT = 40;

/** The unit of a budget that failed because nothing was said of the cost in it: nothing that a caller could mend. */
function unpricedUnit({ code, failures = [] }: Refusal, cost: GuardRequest["cost"]): string | undefined {
  if (code !== "caveat_failed") return undefined;
  for (const { caveat } of failures) {
    const parsed = caveat.startsWith("spend.") ? parseCaveat(caveat) : undefined;
    if (parsed?.kind !== "spend" || Object.hasOwn(cost ?? {}, parsed.unit)) continue;
    return parsed.unit.slice(0, LONGEST_UNIT);
  }
  return undefined;
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
export function refuseTarget(reason: string): Denied {
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
  { failures, undischarged }: Partial<Refusal> = {},
): Denied {
  const headers = new Headers({ "content-type": PROBLEM_MEDIA_TYPE, "cache-control": "no-store" });
  if (challenge !== undefined) headers.set("www-authenticate", challenge);
  if (status === 503) headers.set("retry-after", "1");
  const body = JSON.stringify({
    type: problemType(code),
    title: TITLES[status],
    status,
    code,
    detail,
    ...(failures && { failures }),
    ...(undischarged && { undischarged }),
  });
  return { pass: false, status, headers, body };
}

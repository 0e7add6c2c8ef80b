import { EVENT_STREAM, IDEMPOTENCY_KEY, METADATA_PATH } from "../words/http.ts";
import {
  type DischargeAnswer,
  type Discovery,
  type IssuedToken,
  type Problem,
  type RenewedToken,
  type RevocationPage,
  type Revoked,
  readCollected,
  readDecision,
  readDischarge,
  readDischargeKey,
  readDiscovery,
  readIssuedToken,
  readReadiness,
  readRenewedToken,
  readRevocationPage,
  readRevoked,
  readVerdict,
  readVerdicts,
  type Verdict,
  type VerifyDecision,
} from "./answers.ts";
import { type AuditLog, createAuditLog } from "./audit-log.ts";
import { isAskedOnce } from "./charges.ts";
import { BakehouseError } from "./error.ts";
import { randomText } from "./random.ts";
import { type BakehouseRecords, createRecords, get } from "./records.ts";
import type { DischargeRequest, IssueRequest, RevocationTarget, VerifyRequest } from "./requests.ts";
import { type LogEvent, readLogEvents } from "./revocation-stream.ts";
import { aText, aTruth, type Checks, checkOptions, checkShape, ifSaid, isObject, isText } from "./shape.ts";
import { Token } from "./token.ts";
import {
  type BakehouseOptions,
  CALL_OPTIONS,
  type CallOptions,
  createTransport,
  type Repeat,
  SMALL_ANSWER,
  type Transport,
} from "./transport.ts";
import { readWouldStop, type WouldStop } from "./tree.ts";

/**
 * A Bakehouse service, as its callers see it.
 *
 * Every method rejects with a {@link BakehouseError} if there is no answer, and with the signal's own reason after an
 * abort. A refused token is an answer. Calls that are safe to repeat are repeated.
 */
export interface Bakehouse extends BakehouseRecords {
  /** The service's origin. */
  readonly origin: string;
  /** The audit log, and the Merkle tree over it. */
  readonly audit: AuditLog;
  /** Issues a root macaroon. Made under an idempotency key, so that repeating it never makes two. */
  issue(
    request: IssueRequest,
    options?: CallOptions & { readonly idempotencyKey?: string },
  ): Promise<IssuedToken>;
  /** May this token do this, now? */
  verify(request: VerifyRequest, options?: CallOptions): Promise<Verdict>;
  /**
   * The same question for a program that acts on the decision alone: the answer leaves out what people and followers of the log read, and
   * costs the service less. A service that knows no short answer is asked for the whole one.
   *
   * @example
   * const decision = await bakehouse.decision({ token, context: { action: "read" } });
   * if (!decision.allowed) throw new Error(decision.detail);
   */
  decision(request: VerifyRequest, options?: CallOptions): Promise<VerifyDecision>;
  /** Up to a thousand questions at once; a question that could not be answered has a problem in its place. */
  verifyBatch(
    requests: readonly VerifyRequest[],
    options?: CallOptions,
  ): Promise<readonly (Verdict | Problem)[]>;
  /**
   * Revokes all targets or none. For targets by `token` alone, no credential is sent or needed. The `reason` is for the
   * author's side, and with `publicReason` for everybody who verifies what was revoked.
   */
  revoke(
    targets: RevocationTarget | readonly RevocationTarget[],
    options?: CallOptions & { readonly reason?: string; readonly publicReason?: boolean },
  ): Promise<Revoked>;
  /**
   * The effect of a revocation, as far as verify has seen the links. Nothing is revoked. An older service, which does not know the
   * question, answers `invalid_request`.
   */
  wouldStop(
    targets: RevocationTarget | readonly RevocationTarget[],
    options?: CallOptions,
  ): Promise<WouldStop>;
  /**
   * Gets a token that renews a root token, to its holder: for the same principal, with the same caveats and those that are
   * given. The token itself is the credential. What was narrowed from it before stays as it is.
   *
   * @param token its text, as it was issued: a narrowed one is refused (`not_found`)
   * @param request `ttl` in seconds; `caveats` narrow the successor further
   * @returns as `issue` does; `predecessor` is the token id of the one that was shown
   * @throws BakehouseError `forbidden` where policy has no session for it, or that is over; `unauthenticated` once the person's
   *   tokens were revoked
   * @example
   * const next = await bakehouse.renew(root.encode(), { ttl: 3600 });
   */
  renew(
    token: string,
    request?: { readonly ttl?: number; readonly caveats?: readonly string[] },
    options?: CallOptions & { readonly idempotencyKey?: string },
  ): Promise<RenewedToken>;
  /** A page of the revocation log. */
  revocations(
    request?: { readonly after?: string; readonly limit?: number },
    options?: CallOptions,
  ): Promise<RevocationPage>;
  /**
   * Follows the revocation log for as long as the caller reads. Ends with the connection.
   *
   * @param after a sequence; left out, the log's beginning
   */
  followRevocations(request: { readonly after?: string }, options?: CallOptions): AsyncIterable<LogEvent>;
  /** Asks for a discharge once. {@link dischargeToken} does all that a token needs. */
  discharge(request: DischargeRequest, options?: CallOptions): Promise<DischargeAnswer>;
  /** Collects a pending discharge; undefined while there is no answer. Waits at the service for a while. */
  collectDischarge(id: string, secret: string, options?: CallOptions): Promise<string | undefined>;
  /** Withdraws a pending discharge: nobody is asked any more. Rejects with `conflict` once it is decided. */
  withdrawDischarge(id: string, secret: string, options?: CallOptions): Promise<void>;
  /** The service's public metadata: the issuer at which a command line logs people in. */
  discover(options?: CallOptions): Promise<Discovery>;
  /** The key to which third-party caveats for this service are sealed: 32 bytes as base64. */
  dischargeKey(options?: CallOptions): Promise<string>;
  /**
   * Resolves if the service can answer now and, where there is a credential, knows who calls.
   *
   * @throws BakehouseError `unavailable` or `unauthenticated`, with the reason
   */
  ready(options?: CallOptions): Promise<void>;
}

const IDEMPOTENCY_KEY_BYTES = 18;

const ISSUE_OPTIONS: Checks<CallOptions & { readonly idempotencyKey?: string }> = {
  ...CALL_OPTIONS,
  idempotencyKey: ifSaid(aText()),
};

const REVOKE_OPTIONS: Checks<CallOptions & { readonly reason?: string; readonly publicReason?: boolean }> = {
  ...CALL_OPTIONS,
  reason: ifSaid(aText()),
  publicReason: ifSaid(aTruth),
};

/**
 * A client of the service at an address. Nothing is sent yet.
 *
 * @throws BakehouseError `unauthenticated` for a credential that is missing, a path, or over
 */
export function createBakehouse(options: BakehouseOptions): Bakehouse {
  const transport = createTransport(options);
  /** Not those from before there was a short answer. */
  let knowsDecisions = true;

  return {
    origin: transport.origin,

    async issue(request, given = {}) {
      checkOptions("issue", given, ISSUE_OPTIONS, "{ idempotencyKey }");
      const { idempotencyKey: key = randomText(IDEMPOTENCY_KEY_BYTES), ...callOptions } = given;
      const call = {
        method: "POST",
        path: "/v1/tokens",
        body: request,
        headers: { [IDEMPOTENCY_KEY]: key },
        repeat: "always",
      } as const;
      return readIssuedToken((await transport.call(call, callOptions)).body);
    },

    async verify(request, callOptions) {
      checkQuestion("verify", request);
      const repeat = repeatsOf([request]);
      const call = { method: "POST", path: "/v1/verify", body: request, repeat } as const;
      return readVerdict((await transport.call(call, callOptions)).body);
    },

    async decision(request, callOptions) {
      checkQuestion("decision", request);
      const repeat = repeatsOf([request]);
      const ask = async (body: object) => {
        const call = { method: "POST", path: "/v1/verify", body, repeat } as const;
        return readDecision((await transport.call(call, callOptions)).body);
      };
      if (knowsDecisions) {
        try {
          return await ask({ ...request, answer: "decision" });
        } catch (error) {
          const isOlder =
            error instanceof BakehouseError && error.status === 400 && error.member === "answer";
          if (!isOlder) throw error;
          knowsDecisions = false;
        }
      }
      return ask(request);
    },

    async verifyBatch(requests, callOptions) {
      checkShape("verifyBatch: the questions", requests, (value) =>
        Array.isArray(value) ? undefined : "a list",
      );
      for (const request of requests) checkQuestion("verifyBatch", request);
      const repeat = repeatsOf(requests);
      const call = { method: "POST", path: "/v1/verify/batch", body: { requests }, repeat } as const;
      const results = readVerdicts((await transport.call(call, callOptions)).body);
      // By their places alone answers belong to questions.
      if (results.length === requests.length) return results;
      throw new BakehouseError("bad_answer", `${results.length} answers to ${requests.length} questions`);
    },

    async revoke(targets, given = {}) {
      checkOptions("revoke", given, REVOKE_OPTIONS, '{ reason: "lost laptop" }');
      const { reason, publicReason, ...callOptions } = given;
      const all: readonly RevocationTarget[] = Array.isArray(targets) ? targets : [targets];
      for (const target of all) checkTarget(target);
      const body = {
        targets: all,
        ...(reason !== undefined && { reason }),
        ...(publicReason === true && { public_reason: true }),
      };
      // Revoking is idempotent: the same target in the same scope answers the first entry again.
      const call = {
        method: "POST",
        path: "/v1/revocations",
        body,
        repeat: "always",
        anonymous: all.every((target) => "token" in target),
      } as const;
      return readRevoked((await transport.call(call, callOptions)).body);
    },

    async wouldStop(targets, callOptions) {
      const all: readonly RevocationTarget[] = Array.isArray(targets) ? targets : [targets];
      for (const target of all) checkTarget(target);
      const call = {
        method: "POST",
        path: "/v1/revocations",
        body: { targets: all, dry_run: true },
        repeat: "always",
        anonymous: all.every((target) => "token" in target),
      } as const;
      return readWouldStop((await transport.call(call, callOptions)).body);
    },

    async renew(token, request = {}, given = {}) {
      checkToken("renew", token);
      checkOptions("renew", given, ISSUE_OPTIONS, "{ idempotencyKey }");
      const { idempotencyKey: key = randomText(IDEMPOTENCY_KEY_BYTES), ...callOptions } = given;
      const { identifier } = Token.parse(token).inspect();
      if (identifier === undefined) throw new TypeError("renew: token must be one that a Bakehouse issued");
      const call = {
        method: "POST",
        path: `/v1/tokens/${encodeURIComponent(identifier.tokenId)}/renew`,
        body: { token, ...request },
        headers: { [IDEMPOTENCY_KEY]: key },
        repeat: "always",
        anonymous: true,
      } as const;
      return readRenewedToken((await transport.call(call, callOptions)).body);
    },

    revocations: (request, callOptions) =>
      get(transport, "/v1/revocations", readRevocationPage, { ...request }, callOptions),

    async *followRevocations({ after }, callOptions) {
      const call = {
        method: "GET",
        path: "/v1/revocations",
        query: { after },
        headers: { accept: EVENT_STREAM },
        repeat: "never",
      } as const;
      yield* readLogEvents(await transport.open(call, callOptions), callOptions?.signal);
    },

    async discharge(request, callOptions) {
      const call = {
        method: "POST",
        path: "/v1/discharge",
        body: request,
        repeat: "unanswered",
        mostBytes: SMALL_ANSWER,
      } as const;
      const { status, body } = await transport.call(call, callOptions);
      return readDischarge(status, body);
    },

    async collectDischarge(id, secret, callOptions) {
      const call = {
        method: "POST",
        path: `/v1/discharge/${encodeURIComponent(id)}/collect`,
        body: { secret },
        repeat: "always",
        anonymous: true,
        mostBytes: SMALL_ANSWER,
      } as const;
      const { status, body } = await transport.call(call, { timeout: LONG_POLL, ...callOptions });
      return readCollected(status, body);
    },

    async withdrawDischarge(id, secret, callOptions) {
      const call = {
        method: "POST",
        path: `/v1/discharge/${encodeURIComponent(id)}/withdraw`,
        body: { secret },
        repeat: "always",
        anonymous: true,
        mostBytes: SMALL_ANSWER,
      } as const;
      await transport.call(call, callOptions);
    },

    ...createRecords(transport),
    audit: createAuditLog(transport),

    async discover(callOptions) {
      const call = { method: "GET", path: METADATA_PATH, repeat: "always", anonymous: true } as const;
      return readDiscovery((await transport.call(call, callOptions)).body);
    },

    async dischargeKey(callOptions) {
      const call = { method: "GET", path: "/discharge/info", repeat: "always", anonymous: true } as const;
      return readDischargeKey((await transport.call(call, callOptions)).body);
    },

    async ready(callOptions) {
      const call = { method: "GET", path: "/readyz", repeat: "never", anonymous: true } as const;
      readReadiness((await transport.call(call, callOptions)).body);
      if (options.credential !== undefined) await requireKnown(transport, callOptions);
    },
  };
}

/** The rest of a question is checked by the service. @throws TypeError */
export function checkQuestion(name: string, request: VerifyRequest): void {
  checkShape(`${name}: the question`, request, (value) =>
    isObject(value) ? undefined : 'an object, such as { token, context: { action: "read" } }',
  );
  checkToken(name, request.token);
  // A value that is no list of texts would be read as one here, and as something else by the service.
  const { discharges } = request;
  checkShape(`${name}: discharges`, discharges, (value) =>
    value === undefined || (Array.isArray(value) && value.every(isText)) ? undefined : "a list of texts",
  );
}

/** @throws TypeError */
function checkTarget(target: RevocationTarget): void {
  checkShape("revoke: each target", target, (value) =>
    isObject(value) && !(value instanceof Token)
      ? undefined
      : "an object, such as { token: token.encode() } or { revocation_id }",
  );
  if ("token" in target) checkToken("revoke", target.token);
}

/** @throws TypeError */
function checkToken(name: string, token: unknown): void {
  checkShape(`${name}: token`, token, (value) =>
    isText(value) ? undefined : "a token's text: token.encode() of a Token",
  );
}

/** Budgets count every allowed call, so a question that may have been answered is not asked again. */
function repeatsOf(requests: readonly VerifyRequest[]): Repeat | (() => Repeat) {
  if (requests.every(({ dry_run }) => dry_run === true)) return "always";
  return () => (requests.some(isAskedOnce) ? "never" : "unanswered");
}

/** Asks for something that every caller may ask for, or at least is told who they are not. */
async function requireKnown(transport: Transport, callOptions: CallOptions | undefined): Promise<void> {
  const call = { method: "GET", path: "/v1/tokens", query: { limit: 1 }, repeat: "always" } as const;
  try {
    await transport.call(call, callOptions);
  } catch (error) {
    if (!(error instanceof BakehouseError)) throw error;
    // One that may not read is known all the same.
    if (error.code === "forbidden") return;
    if (error.code !== "unauthenticated") throw error;
    const { status, requestId } = error;
    const cure =
      "it takes a platform's or an administrator's, or a login, and never a token that was issued to somebody";
    throw new BakehouseError("unauthenticated", `${error.message}: ${cure}`, {
      status,
      requestId,
      cause: error,
    });
  }
}

/** Milliseconds: longer than the service holds a request that waits for a human. */
const LONG_POLL = 60_000;

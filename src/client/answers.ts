import type { RevocationScopeName, TargetName } from "../words/revocations.ts";
import type {
  Decision,
  KeyState,
  RequestState,
  ReservationState,
  RevokedBy,
  TokenState,
} from "../words/states.ts";
import {
  count,
  instant,
  isWhole,
  list,
  literal,
  map,
  nullable,
  object,
  type Reader,
  readJson,
  text,
  textOrTexts,
  truth,
  word,
} from "./read.ts";
import { type Answer, principal, summaryParts } from "./verdict.ts";

export {
  type Allowed,
  type AllowedDecision,
  type Principal,
  type Problem,
  type RefusalCode,
  type Refused,
  readDecision,
  readProblem,
  readVerdict,
  readVerdicts,
  type Verdict,
  type VerifyDecision,
} from "./verdict.ts";

// The answers of the API, in its own words: openapi.yaml describes every member.

const tokenFacts = {
  token_id: text,
  revocation_id: text,
  platform: text,
  principal,
  issued_at: instant,
  expires_at: instant,
  caveats: list(text),
  summary: text,
};

const issuedToken = object(
  { token: text, ...tokenFacts },
  { warnings: list(text), summary_parts: summaryParts },
);

/** A root macaroon and its facts. `token` is a secret. */
export type IssuedToken = Answer<typeof issuedToken>;

/** A root macaroon that renews another one. */
export type RenewedToken = IssuedToken & { readonly predecessor: string };

const revokedBranch = object(
  { revoked_at: instant, by: word<RevokedBy | (string & {})>() },
  { revocation_id: text, agent: text, reason: text },
);

const tokenRecord = object(
  { ...tokenFacts, key_id: text, status: word<TokenState>() },
  {
    warnings: list(text),
    label: text,
    issued_by: text,
    summary_parts: summaryParts,
    // Of one token that is asked for, and of a newer service.
    predecessor: text,
    renewable_until: instant,
    revoked_below: list(revokedBranch),
  },
);

/** The record of an issued token: everything but the token. */
export type TokenRecord = Answer<typeof tokenRecord>;

const amounts = map(text);

const reservation = object(
  { id: text, state: word<ReservationState>(), cost: amounts, expires_at: instant },
  { settled: amounts },
);

/** A charge of which less may be needed in the end. Amounts are decimals, by unit. */
export type Reservation = Answer<typeof reservation>;

// A `token` is answered as its revocation id.
const namedTarget = {
  revocation_id: text,
  token_id: text,
  principal: object({}, { id: text, issuer: text, subject: text, kind: word<"workload">() }),
  agent: text,
  key_id: text,
  platform: text,
  approval_id: text,
} satisfies Readonly<Record<Exclude<TargetName, "token">, Reader<unknown>>>;

const opaque = object({ agent_hash: text, issued_before: instant }, { token_id: text });

const knownTarget = object({}, { ...namedTarget, issued_before: instant, opaque, successors: truth });

/**
 * A target with a member that this library does not know reads as one without members. The members that it does
 * know would say less than was revoked.
 */
const target: typeof knownTarget = (value, place) => {
  const known = knownTarget(value, place);
  return isWhole(value, known) ? known : {};
};

const revocation = object(
  {
    id: text,
    target,
    revoked_at: instant,
    sequence: text,
    scope: word<RevocationScopeName>(),
  },
  { reason: text },
);

/** An entry of the revocation log. */
export type Revocation = Answer<typeof revocation>;

const revoked = object({ revocations: list(revocation), sequence: text });

/** The new entries of the log, and the log's end after them. */
export type Revoked = Answer<typeof revoked>;

const revocationPage = object(
  { items: list(revocation), next_cursor: nullable(text), sequence: text },
  { hash_key: text },
);

/** A page of the log. */
export type RevocationPage = Answer<typeof revocationPage>;

const policyRule = object(
  { max_ttl: count },
  {
    issuer: text,
    groups: list(text),
    subjects: list(text),
    claims: map(textOrTexts),
    caveats: list(text),
    session: count,
    on_behalf_of: truth,
  },
);

const policy = object(
  { rules: list(policyRule) },
  { clients: object({ metadata_documents: truth }, { domains: list(text) }) },
);

/** The people and workloads to whom a platform's tokens may be issued. */
export type Policy = Answer<typeof policy>;

const policyTrial = object(
  {
    admitted: truth,
    passed_over: list(object({ rule: count, why: list(object({ member: text, detail: text })) })),
    warnings: list(text),
  },
  { rule: count, caveats: list(text), max_ttl: count, session: count },
);

/** What a principal would get under a policy: the rule that decides, and why those before it do not. */
export type PolicyTrialResult = Answer<typeof policyTrial>;

const platform = object({ name: text, created_at: instant, policy }, { resource_hosts: list(text) });

/** An application that owns tokens. */
export type Platform = Answer<typeof platform>;

const key = object(
  {
    key_id: text,
    platform: text,
    state: word<KeyState>(),
    created_at: instant,
    active_from: instant,
  },
  { retired_at: instant, expires_at: instant },
);

/** A root key, without the key. */
export type Key = Answer<typeof key>;

function page<T>(item: Reader<T>) {
  return object({ items: list(item), next_cursor: nullable(text) });
}

/** A page of a list; `next_cursor` is null at its end. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

const pendingDischarge = object(
  { id: text, secret: text, expires_at: instant },
  { user_url: text, user_code: text },
);

/** A discharge that somebody has to do something for first. `secret` collects it, and is shown once. */
export type PendingDischarge = Answer<typeof pendingDischarge>;

/** The answer to a request for a discharge. */
export type DischargeAnswer =
  | { readonly state: "discharged"; readonly discharge: string }
  | { readonly state: "pending"; readonly pending: PendingDischarge };

const approval = object(
  {
    id: text,
    state: word<RequestState>(),
    needed: count,
    subjects: list(text),
    groups: list(text),
    user_code: text,
    asked_at: instant,
    expires_at: instant,
    discharge_life: count,
    unverified: object({ text, agents: list(text) }, { caveats: list(text) }),
    decisions: list(
      object({ issuer: text, subject: text, decision: word<Decision>(), at: instant }, { reason: text }),
    ),
  },
  {
    others: count,
    allows: text,
    asked_caveats: list(text),
    decided_at: instant,
    withdrawn_at: instant,
    ends_at: instant,
    obstacle: text,
    token: object(
      {
        token_id: text,
        revocation_id: text,
        platform: text,
        principal,
        caveats: list(text),
        summary: text,
      },
      { summary_parts: summaryParts },
    ),
  },
);

/** A question to people, open or decided. `token` holds verified facts alone; nobody vouches for `unverified`. */
export type Approval = Answer<typeof approval>;

const discovery = object(
  { issuer: text },
  { bakehouse_login: object({ issuer: text, client_id: text }), revocation_endpoint: text },
);

/** The service's public metadata, at `/.well-known/oauth-authorization-server` (RFC 8414). */
export type Discovery = Answer<typeof discovery>;

// Pure: a body's text in, a typed answer out. No answer is trusted before one of these has read it.

export const readIssuedToken = (body: string): IssuedToken => readJson(body, issuedToken);
export const readRenewedToken = (body: string): RenewedToken =>
  readJson(body, (value, place) => ({
    ...issuedToken(value, place),
    ...object({ predecessor: text })(value, place),
  }));
export const readTokenRecord = (body: string): TokenRecord => readJson(body, tokenRecord);
export const readTokenPage = (body: string): Page<TokenRecord> => readJson(body, page(tokenRecord));
export const readReservation = (body: string): Reservation => readJson(body, reservation);
export const readRevoked = (body: string): Revoked => readJson(body, revoked);
export const readRevocation = (body: string): Revocation => readJson(body, revocation);
export const readRevocationPage = (body: string): RevocationPage => readJson(body, revocationPage);
export const readPlatform = (body: string): Platform => readJson(body, platform);
export const readPlatformPage = (body: string): Page<Platform> => readJson(body, page(platform));
export const readKey = (body: string): Key => readJson(body, key);
export const readKeyPage = (body: string): Page<Key> => readJson(body, page(key));
/** @param status the answer's: 202 says that it is not there yet */
export const readDischarge = (status: number, body: string): DischargeAnswer =>
  status === 202
    ? { state: "pending", pending: readJson(body, pendingDischarge) }
    : { state: "discharged", discharge: readJson(body, object({ discharge: text })).discharge };
/** Undefined for 202: there is no answer yet. */
export const readCollected = (status: number, body: string): string | undefined =>
  status === 202 ? undefined : readJson(body, object({ discharge: text })).discharge;
export const readApprovalPage = (body: string): Page<Approval> => readJson(body, page(approval));
export const readDiscovery = (body: string): Discovery => readJson(body, discovery);
export const readDischargeKey = (body: string): string =>
  readJson(body, object({ PublicKey: text })).PublicKey;
export const readReadiness = (body: string): unknown => readJson(body, object({ status: literal("ready") }));
export const readPolicy = (body: string): Policy => readJson(body, policy);
export const readPolicyTrial = (body: string): PolicyTrialResult => readJson(body, policyTrial);

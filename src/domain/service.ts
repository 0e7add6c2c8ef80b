import type { SummaryPart } from "../caveats/together/summary-parts.ts";
import type { Decimal } from "../caveats/values/decimal.ts";
import type { JsonObject } from "../json/value.ts";
import type { RefusalCode } from "../words/refusal-codes.ts";
import type { KeyState, Place, TokenState } from "../words/states.ts";
import type { AuditPart } from "./audit-service.ts";
import type { BudgetView } from "./budget-view.ts";
import type { Caller, HumanCaller, RequestFacts } from "./caller.ts";
import type { Approvals, Bakery, Discharges } from "./discharge-service.ts";
import type { Health } from "./health-service.ts";
import type { Introspecting } from "./introspection-service.ts";
import type { LogStream, RevocationView } from "./log-news.ts";
import type { OAuthPart } from "./oauth-service.ts";
import type { DomainError } from "./parts/error.ts";
import type { PresentedProof } from "./parts/presented-proof.ts";
import type { Policies } from "./policy-service.ts";
import type { Reservation } from "./ports/budgets.ts";
import type { Page, PageRequest } from "./ports/parts/page.ts";
import type { Platform } from "./ports/platforms.ts";
import type { Policy } from "./ports/policy.ts";
import type { Principal, PrincipalKind } from "./ports/principals.ts";
import type { Resources } from "./resource-service.ts";
import type { RevocationFacts, RevokedBranch } from "./revocation-facts.ts";
import type { Logins, Sessions } from "./session-service.ts";
import type { Trees, WouldStop } from "./tree-service.ts";

/*
 * The use cases, as the adapters that offer them to callers see them. All instants are unix milliseconds. Every method
 * rejects with a DomainError for a failure that the caller may be told of, and checks the caller's permission itself.
 */

/** Finds the caller. Both reject with `unauthenticated`, or with `unavailable` if the caller could not be found out. */
export interface Authentication {
  /** @param token the credential behind `Bearer `: an ID token or a service macaroon */
  bearer(token: string, request: RequestFacts): Promise<Caller>;
  /**
   * @param cookie the session cookie's value
   * @param from the caller's address, whose allowance of look-ups a made-up cookie is taken from
   */
  session(cookie: string, from: string): Promise<HumanCaller>;
  /**
   * Whether a service macaroon may read, as far as this replica knows: whatever keeps it from knowing more is what such a
   * caller wants to be told. For that alone. Never rejects.
   */
  mayReadHealth(token: string, request: RequestFacts): Promise<boolean>;
}

/** A third-party caveat to be written at issue. */
export interface ThirdPartyRequest {
  readonly location: string;
  readonly condition: string;
  /** Base64 of the third party's 32-byte Curve25519 key; needed for any location but this service's own. */
  readonly publicKey: string | undefined;
}

export interface IssueRequest {
  readonly platform: string;
  /** Seconds. */
  readonly ttl: number | undefined;
  readonly caveats: readonly string[];
  readonly thirdPartyCaveats: readonly ThirdPartyRequest[];
  readonly label: string | undefined;
  readonly onBehalfOf: { readonly issuer: string | undefined; readonly subject: string } | undefined;
}

/** A request's `Idempotency-Key` and its scope. */
export interface IdempotencyRequest {
  readonly key: string;
  readonly route: string;
  /** The body's bytes, as received. */
  readonly body: Uint8Array;
}

export interface IssuedToken {
  /** The token itself: a secret. */
  readonly token: string;
  readonly tokenId: string;
  readonly revocationId: string;
  readonly platform: string;
  readonly principal: Principal;
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Text of each caveat in chain order; a third-party one reads `third-party LOCATION`. */
  readonly caveats: readonly string[];
  /** The token's permissions, in sentences for people. */
  readonly summary: string;
  /** The same, told apart by origin. */
  readonly summaryParts: readonly SummaryPart[];
  /** Contradictions that can never pass, for people; usually empty. */
  readonly warnings: readonly string[];
}

/** An issued token as it is listed: everything but the token. */
export interface TokenView extends Omit<IssuedToken, "token"> {
  readonly keyId: string;
  readonly label: string | null;
  /** Token id of the credential that asked for it; null if the principal asked. */
  readonly issuedBy: string | null;
  readonly status: TokenState;
}

/** One token, with its dead branches. */
export interface TokenDetails extends TokenView {
  /** The token id of the token that it renews; undefined if it renews none. */
  readonly predecessor: string | undefined;
  /** Unix milliseconds; undefined if it cannot be renewed. */
  readonly renewableUntil: number | undefined;
  /** Newest first, a hundred at most. Links that were revoked by their ids alone are not among them. */
  readonly revokedBelow: readonly RevokedBranch[];
}

export interface Tokens {
  issue(caller: Caller, request: IssueRequest, idempotency?: IdempotencyRequest): Promise<IssuedToken>;
  list(caller: Caller, platform: string | undefined, page: PageRequest): Promise<Page<TokenView>>;
  /** Rejects with `not_found` for foreign and unknown ids alike. */
  get(caller: Caller, tokenId: string): Promise<TokenDetails>;
}

/** Renews tokens by showing them: `POST /v1/tokens/{id}/renew`. */
export interface Renewals {
  /**
   * Issues a token to the holder of another one, for the same principal and with its caveats or more. Rejects with
   * `not_found` for all but that very token as it was issued, while it is good; with `unauthenticated` once something was
   * revoked that ends logins of its age; with `forbidden` where policy does not allow it, or not any more.
   */
  renew(
    tokenId: string,
    request: { readonly token: string } & Pick<IssueRequest, "ttl" | "caveats">,
    idempotency?: IdempotencyRequest,
  ): Promise<IssuedToken & { readonly predecessor: string }>;
}

export interface VerifyRequest {
  readonly token: string;
  readonly discharges: readonly string[];
  readonly context: JsonObject;
  /** The cost of the call, by unit; each at least 0. */
  readonly cost: ReadonlyMap<string, Decimal>;
  /** The platform's name for this question, under which it is charged once. */
  readonly chargeId: string | undefined;
  /** Seconds for which `cost` is reserved; undefined if it is final. */
  readonly reserve: number | undefined;
  readonly proof: PresentedProof | undefined;
  /** Compact JWS, as they came with the call. */
  readonly endorsements: readonly string[];
  readonly minSequence: string | undefined;
  /** The canonical URI of the resource as which the platform asks; undefined for the credential's own. */
  readonly resource?: string | undefined;
  /** Nothing is counted and nothing recorded as observed. */
  readonly dryRun: boolean;
  /** The decision alone is wanted: what else a verdict says of an allowed token is left empty, and not made. */
  readonly brief?: boolean;
}

export interface CaveatFailure {
  /** Position in the chain of the macaroon that the caveat belongs to. */
  readonly index: number;
  readonly caveat: string;
  /** The nearest agent before the caveat; null before the first. */
  readonly agent: string | null;
  readonly placed: Place;
  readonly code: RefusalCode;
  readonly detail: string;
  /** Of a budget that would not do: its rest, a decimal. */
  readonly remaining?: string;
  /** Of a full rate: seconds until it has room again. */
  readonly retryAfter?: number;
}

/** The answer to the one question: may this token do this, now? */
export type Verdict =
  | {
      readonly allowed: true;
      readonly tokenId: string;
      readonly keyId: string;
      readonly platform: string;
      readonly principal: Principal;
      readonly issuedAt: number;
      /** The earliest `time <` on the chain. */
      readonly expiresAt: number;
      readonly agents: readonly string[];
      readonly caveats: readonly string[];
      readonly summary: string;
      readonly summaryParts: readonly SummaryPart[];
      readonly revocationId: string;
      readonly revocationIds: readonly string[];
      /** After the charge; of a `dryRun`, as they stand. */
      readonly budgets: readonly BudgetView[];
      /** The same question was charged before: the platform must not act on it a second time. */
      readonly repeated?: true;
      /** `expiresAt` is unix milliseconds. */
      readonly reservation?: { readonly id: string; readonly expiresAt: number };
      readonly sequence: string;
    }
  | {
      readonly allowed: false;
      readonly code: RefusalCode;
      readonly detail: string;
      readonly failures: readonly CaveatFailure[];
      /** `caveatId` is base64url. */
      readonly undischarged: readonly { readonly location: string; readonly caveatId: string }[];
      /** Of a revoked token, as far as it could be told at once. */
      readonly revocation?: RevocationFacts;
      readonly sequence: string;
    };

/** An error of one item of a batch that was not foreseen. Never for callers: it may hold anything. */
export interface ItemFault {
  readonly fault: unknown;
}

/** The result of one item of a batch: a verdict, the reason why there is none, or a fault of the service. */
export type BatchResult = Verdict | DomainError | ItemFault;

/** Decides whether a token may do something now: `POST /v1/verify`. */
export interface Decisions {
  decide(caller: Caller, request: VerifyRequest): Promise<Verdict>;
  /** Rejects as a whole only if the caller may not verify: no item spoils the others. */
  decideBatch(caller: Caller, requests: readonly VerifyRequest[]): Promise<readonly BatchResult[]>;
}

/** Reservations, for the platform that made them. All reject with `not_found` for another's. */
export interface Reservations {
  get(caller: Caller, id: string): Promise<Reservation>;
  /** Rejects with `conflict` if it was settled in another way or has ended, with `unprocessable` for another cost. */
  settle(caller: Caller, id: string, cost: ReadonlyMap<string, Decimal>): Promise<Reservation>;
  /** Gives all back. */
  release(caller: Caller, id: string): Promise<Reservation>;
}

/** A target of a revocation. An undefined `issuedBefore` means everything until now. */
export type RevokeTarget =
  | { readonly kind: "token"; readonly token: string }
  /** 22 characters of base64url. */
  | { readonly kind: "revocation_id"; readonly revocationId: string }
  /** With `successors` the tokens that renewed it, and those that renewed them, too. */
  | { readonly kind: "token_id"; readonly tokenId: string; readonly successors?: true }
  | {
      readonly kind: "principal";
      /** Absent for people. */
      readonly principalKind?: PrincipalKind;
      /** Undefined for the service's own. */
      readonly issuer: string | undefined;
      readonly subject: string;
      readonly issuedBefore: number | undefined;
    }
  | { readonly kind: "principal_id"; readonly id: string; readonly issuedBefore: number | undefined }
  | {
      readonly kind: "agent";
      /** A name, or `name#instance`. */
      readonly agent: string;
      readonly tokenId: string | undefined;
      readonly issuedBefore: number | undefined;
    }
  | { readonly kind: "key_id"; readonly keyId: string }
  | { readonly kind: "approval_id"; readonly approvalId: string }
  | { readonly kind: "platform"; readonly platform: string; readonly issuedBefore: number | undefined };

export interface RevokeRequest {
  readonly targets: readonly RevokeTarget[];
  readonly reason: string | undefined;
  /** Whether the reason is told to everybody who verifies what was revoked; absent for no. */
  readonly reasonIsPublic?: boolean | undefined;
}

export interface Revocations {
  /** Without a caller only `token` targets are heard: holding a token suffices to revoke it. */
  revoke(
    caller: Caller | undefined,
    request: RevokeRequest,
  ): Promise<{ readonly revocations: readonly RevocationView[]; readonly sequence: string }>;
  /** The effect of `revoke`: writes nothing, and takes the same rights and from the same rates. */
  wouldStop(caller: Caller | undefined, request: RevokeRequest): Promise<WouldStop>;
  /** @param after a sequence, exclusive; undefined for the beginning */
  log(
    caller: Caller,
    after: string | undefined,
    limit: number,
  ): Promise<{
    readonly items: readonly RevocationView[];
    /** The sequence to go on from; undefined at the end. */
    readonly next: string | undefined;
    /** The end of the part of the log that was read for this answer. */
    readonly sequence: string;
    /** The key of hashed agents, 32 bytes; undefined if none is hashed for this caller. */
    readonly hashKey?: Uint8Array | undefined;
  }>;
  /**
   * Opens a stream of the log. Rejects as `log` does, and with `rate_limited` if there are too many.
   *
   * @param authenticate finds the caller again, as at the beginning: the stream ends once that rejects
   */
  follow(
    caller: Caller,
    after: string | undefined,
    authenticate: () => Promise<Caller | undefined>,
  ): Promise<LogStream>;
}

export interface Platforms {
  create(caller: Caller, name: string, policy: Policy | undefined): Promise<Platform>;
  list(caller: Caller, page: PageRequest): Promise<Page<Platform>>;
  /** @param ttl seconds; 90 days by default and at most */
  issueCredential(
    caller: Caller,
    name: string,
    request: {
      readonly ttl: number | undefined;
      readonly caveats: readonly string[];
      readonly label: string | undefined;
      /** The canonical URI of the resource that it is for, one of the platform's; undefined for none. */
      readonly resource?: string | undefined;
    },
  ): Promise<IssuedToken>;
}

export interface KeyView {
  readonly keyId: string;
  readonly platform: string;
  readonly state: KeyState;
  readonly createdAt: number;
  readonly activeFrom: number;
  readonly retiredAt: number | null;
  readonly expiresAt: number | null;
}

export interface Keys {
  list(caller: Caller, platform: string | undefined, page: PageRequest): Promise<Page<KeyView>>;
  /** @param platform may be left out by a platform's own credential */
  rotate(caller: Caller, platform: string | undefined): Promise<KeyView>;
}

/** The whole service, as its adapters see it. */
export interface Service extends AuditPart, OAuthPart {
  readonly authentication: Authentication;
  readonly tokens: Tokens;
  readonly renewals: Renewals;
  readonly trees: Trees;
  readonly decisions: Decisions;
  readonly introspection: Introspecting;
  readonly reservations: Reservations;
  readonly revocations: Revocations;
  readonly platforms: Platforms;
  readonly policies: Policies;
  readonly resources: Resources;
  readonly keys: Keys;
  readonly logins: Logins;
  readonly sessions: Sessions;
  readonly discharges: Discharges;
  readonly approvals: Approvals;
  readonly bakery: Bakery;
  readonly health: Health;
}

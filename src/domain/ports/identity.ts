import type { FailureFacts } from "./parts/failure.ts";
import type { Identity } from "./sessions.ts";

/** The outcome of looking at an ID token. */
export type IdTokenVerdict =
  | {
      readonly ok: true;
      readonly identity: Identity;
      /** Unix milliseconds. */
      readonly issuedAt: number;
      /** Unix milliseconds. */
      readonly expiresAt: number;
    }
  /**
   * `reason` is public: it names the claim at fault, never its value. `facts` are for the log, and there only where it is
   * the issuer that has to be set up otherwise.
   */
  | { readonly ok: false; readonly reason: string; readonly facts?: FailureFacts };

/** ID tokens as bearer credentials. */
export interface IdTokens {
  /**
   * Checks an ID token against the issuers that are trusted.
   *
   * Rejects with a DomainError `unavailable` if the issuer's keys could not be had: that is an
   * outage and says nothing about the token.
   */
  verify(token: string): Promise<IdTokenVerdict>;
}

/** What an issuer is believed: ID tokens of people, or assertions about workloads, or about people (as ID-JAG). */
export type IssuerKind = "person" | "workload" | "id-jag";

/** An assertion that was taken apart. Nothing in it is true until `isSigned` has said so. */
export interface UnverifiedAssertion {
  readonly issuer: string;
  /** What the issuer is believed. Never `person`. */
  readonly kinds: ReadonlySet<IssuerKind>;
  /** The header's `typ` in lower case and without `application/`; undefined if it has none. */
  readonly type: string | undefined;
  readonly unverifiedClaims: Readonly<Record<string, unknown>>;
  /** Whether the issuer signed it. Rejects with a DomainError `unavailable` if its keys could not be had. */
  isSigned(): Promise<boolean>;
  /** Reads the principal from the claims, which costs nothing. @param voucher the issuer's name for the principal's kind */
  readIdentity(voucher: string): { readonly ok: true; readonly identity: Identity } | Refusal;
}

interface Refusal {
  readonly ok: false;
  /** Public: it names the claim at fault, never its value. */
  readonly reason: string;
}

/** Assertions of the issuers that are trusted with them (RFC 7523). */
export interface Assertions {
  /** Takes one apart. Asks no issuer anything, and refuses one of an issuer that is not trusted with assertions. */
  open(text: string): { readonly ok: true; readonly assertion: UnverifiedAssertion } | Refusal;
}

/** The assertions that are good once. Every method rejects only when the store could not answer. */
export interface UsedAssertionStore {
  /**
   * Uses an assertion up, in the caller's transaction or else in one of its own. Decided by one statement: of callers at
   * once, one is first.
   *
   * @param hash names the assertion; 32 bytes
   * @param until unix milliseconds: the assertion is not taken any more from then on
   * @returns false if it was used before
   */
  use(hash: Uint8Array, until: number): Promise<boolean>;
  /** Whether an assertion was used. */
  has(hash: Uint8Array): Promise<boolean>;
  /** @returns how many were dropped */
  dropExpired(now: number): Promise<number>;
}

/** A login that a browser has begun. It must stay with that browser: its holder can finish the login. */
export interface LoginAttempt {
  readonly state: string;
  readonly nonce: string;
  /** PKCE (RFC 7636). */
  readonly codeVerifier: string;
  /** A path of this service to return to. */
  readonly returnTo: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
}

/** The demands on a login. The identity says whether they were met: an issuer may ignore both. */
export interface LoginDemands {
  /** The most seconds since the human last logged in (OpenID Connect Core §3.1.2.1). */
  readonly maxAge?: number;
  /** Authentication context classes, the preferred one first. */
  readonly acr?: readonly string[];
}

/** Why a login was refused. */
export interface LoginRefusal {
  readonly ok: false;
  /** Public: for the page that the person sees. */
  readonly reason: string;
  /** Whether a login at which the person proves anew who they are would be taken. */
  readonly anew?: boolean;
  /** For the log: the step at which it failed, and the claim, error or status at fault. */
  readonly facts?: FailureFacts;
}

/** The outcome of a login. */
export type LoginOutcome =
  | {
      readonly ok: true;
      readonly identity: Identity;
      /** For the log: a fault of the issuer that this login could do without. */
      readonly facts?: FailureFacts;
      /** The ID token, where the issuer takes it as a hint when the person logs out. It is no credential here. */
      readonly logoutHint?: string;
    }
  | LoginRefusal;

/** The relying party of OpenID Connect's authorization code flow. All methods reject with a DomainError `unavailable` if the issuer did not answer. */
export interface RelyingParty {
  /** @param returnTo a path of this service, checked by the caller */
  begin(
    returnTo: string,
    demands?: LoginDemands,
  ): Promise<{ readonly url: string; readonly attempt: LoginAttempt }>;
  /** @param callback the full URL that the browser was sent back to */
  finish(attempt: LoginAttempt, callback: URL): Promise<LoginOutcome>;
  /**
   * Where the issuer ends its own session.
   *
   * @param hint the login's `logoutHint`, if it was kept
   * @returns undefined for an issuer without such a place
   */
  logoutUrl(hint: string | undefined): Promise<string | undefined>;
}

import type { Identity } from "./sessions.ts";

/** What came of looking at an ID token. */
export type IdTokenVerdict =
  | { readonly ok: true; readonly identity: Identity /** Unix milliseconds. */; readonly expiresAt: number }
  /** `reason` is public: it names the claim at fault, never its value. */
  | { readonly ok: false; readonly reason: string };

/** ID tokens as bearer credentials. */
export interface IdTokens {
  /**
   * Checks an ID token against the issuers that are trusted.
   *
   * Rejects with a DomainError `unavailable` where the issuer's keys could not be had: that is an
   * outage and says nothing about the token.
   */
  verify(token: string): Promise<IdTokenVerdict>;
}

/** A login that a browser has begun. It must stay with that browser: whoever holds it can finish the login. */
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

/** What is asked of a login besides who it is. What came of it must be read from the identity: an issuer may ignore both. */
export interface LoginDemands {
  /** The most seconds since the human last proved who they are (OpenID Connect Core §3.1.2.1). */
  readonly maxAge?: number;
  /** Authentication context classes, the preferred one first. */
  readonly acr?: readonly string[];
}

/** What came of a login. */
export type LoginOutcome =
  | { readonly ok: true; readonly identity: Identity }
  /** `reason` is public. */
  | { readonly ok: false; readonly reason: string };

/** The relying party of OpenID Connect's authorization code flow. Both methods reject with a DomainError `unavailable` where the issuer did not answer. */
export interface RelyingParty {
  /** @param returnTo a path of this service, checked by the caller */
  begin(
    returnTo: string,
    demands?: LoginDemands,
  ): Promise<{ readonly url: string; readonly attempt: LoginAttempt }>;
  /** @param callback the full URL that the browser was sent back to */
  finish(attempt: LoginAttempt, callback: URL): Promise<LoginOutcome>;
}

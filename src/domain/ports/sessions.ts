/** What an OIDC issuer said of a human. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  /** Only where the issuer said `email_verified`. */
  readonly email: string | null;
  /** For display only. */
  readonly name: string | null;
  readonly groups: readonly string[];
  /** When the human last proved who they are, unix milliseconds; null where the issuer did not say. */
  readonly authenticatedAt: number | null;
  /** Authentication context class (OpenID Connect Core §2); null where the issuer did not say. */
  readonly acr: string | null;
  /** Whether the issuer is the development identity provider. */
  readonly development: boolean;
}

/** A browser's login session. The cookie's value is known here only by its hash. */
export interface Session {
  /** SHA-256 of the cookie's value; 32 bytes. */
  readonly idHash: Uint8Array;
  readonly identity: Identity;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** Login sessions. Every method rejects only when the store could not answer. */
export interface SessionStore {
  insert(session: Session): Promise<void>;
  /** @returns undefined for a session that never was, has ended, or has expired at `now` (unix milliseconds) */
  find(idHash: Uint8Array, now: number): Promise<Session | undefined>;
  /** @returns the session that was ended; undefined where there was none */
  end(idHash: Uint8Array): Promise<Session | undefined>;
  /** @returns how many were dropped */
  dropExpired(now: number): Promise<number>;
}

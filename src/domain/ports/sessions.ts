import type { SessionKind } from "../../words/states.ts";
import type { Page, PageRequest } from "./parts/page.ts";

/** What an OIDC issuer said of a human. */
export interface Identity {
  readonly issuer: string;
  readonly subject: string;
  /** Only where the issuer said `email_verified`. */
  readonly email: string | null;
  /** For display only. */
  readonly name: string | null;
  readonly groups: readonly string[];
  /** When the human last proved who they are, unix milliseconds; null if the issuer did not say. */
  readonly authenticatedAt: number | null;
  /** Authentication context class (OpenID Connect Core §2); null if the issuer did not say. */
  readonly acr: string | null;
  /** Whether the issuer is the development identity provider. */
  readonly development: boolean;
}

/** A login session. Its secret is known here only by its hash. */
export interface Session {
  /** SHA-256 of the cookie's value, or of the ticket of a program's login; 32 bytes. */
  readonly idHash: Uint8Array;
  /** A UUID that names the session and gives no power. */
  readonly id: string;
  /** `program`: a login to this API by macaroon-bakery's protocol. */
  readonly kind: SessionKind;
  readonly identity: Identity;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** The person whose sessions are meant. */
export type SessionOwner = Pick<Identity, "issuer" | "subject">;

/**
 * A person's login: a browser's session, a program's login or an ID token, about to be redeemed for a token or a
 * decision. It ends with an entry of the revocation log that would kill a token of that person on that platform, issued
 * when they last spoke.
 */
export interface Grant {
  readonly issuer: string;
  readonly subject: string;
  /** The platform of the tokens that it is redeemed for; null if none is known. */
  readonly platform: string | null;
  /** When the person, or else their issuer, last spoke, unix milliseconds. */
  readonly spokeAt: number;
}

/** Login sessions. Every method rejects only when the store could not answer. */
export interface SessionStore {
  insert(session: Session): Promise<void>;
  /** @returns undefined for a session that never was, has ended, or has expired at `now` (unix milliseconds) */
  find(idHash: Uint8Array, now: number): Promise<Session | undefined>;
  /** @returns the session that was ended; undefined if there was none */
  end(idHash: Uint8Array): Promise<Session | undefined>;
  /** One person's sessions that have not expired, newest first; the page key is the id. */
  list(
    owner: SessionOwner,
    filter: { readonly kind: SessionKind | undefined /** Unix milliseconds. */; readonly now: number },
    page: PageRequest,
  ): Promise<Page<Session>>;
  /**
   * Holds a person's session until the caller's transaction ends: it is ended before, and then there is nothing to hold, or after.
   *
   * @returns whether it is there
   */
  hold(owner: SessionOwner, id: string): Promise<boolean>;
  /** Ends one session of a person. @returns the session; undefined if the person has none of this id */
  endOwn(owner: SessionOwner, id: string): Promise<Session | undefined>;
  /** Ends all programs' logins of a person. @returns those that were ended */
  endPrograms(owner: SessionOwner): Promise<readonly Session[]>;
  /** @returns how many were dropped */
  dropExpired(now: number): Promise<number>;
}

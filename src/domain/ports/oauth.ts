import type { Page, PageRequest } from "./parts/page.ts";
import type { Identity } from "./sessions.ts";

/** How a client proves at the token endpoint that it is the one (RFC 7591 §2, OpenID Connect Core §9). */
export type ClientAuthMethod = "none" | "client_secret_basic" | "client_secret_post" | "private_key_jwt";

/** A JWK set, as a client wrote it. */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** An OAuth client that was registered. */
export interface RegisteredClient {
  /** A UUIDv7. */
  readonly id: string;
  /** For people; an administrator's word. */
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly authMethod: ClientAuthMethod;
  /** Of `private_key_jwt` alone. */
  readonly jwks: KeySet | null;
  /** SHA-256 of the secret, 32 bytes; null for a client without one. */
  readonly secretHash: Uint8Array | null;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** The rights that a person gives a client, as codes and families hold them. */
export interface Granted {
  readonly clientId: string;
  /** Whether the client authenticated, or was reached by a redirect that is its own alone: then its tokens name it. */
  readonly proven: boolean;
  readonly platform: string;
  /** Canonical URI. */
  readonly resource: string;
  /** Empty for a resource without scopes. */
  readonly scopes: readonly string[];
  /** As the person's issuer told it at the login: policy is asked anew with each redeeming. */
  readonly identity: Identity;
  /** When the person, or else their issuer, last spoke, unix milliseconds. Later revocations end the grant. */
  readonly spokeAt: number;
  /** The root key that would have signed a token then: with it the grant dies. Null if none was known. */
  readonly keyId: string | null;
}

/** The part of a grant that tells which entries of the revocation log end it, beside those that end its login. */
export interface Mortal {
  readonly platform: string;
  readonly keyId: string | null;
  readonly identity: Pick<Identity, "issuer" | "subject">;
}

/** An authorization code: it is redeemed once. */
export interface StoredCode extends Granted {
  /** SHA-256, 32 bytes. */
  readonly hash: Uint8Array;
  readonly redirectUri: string;
  /** PKCE, S256. */
  readonly challenge: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** A token that a family gave, as far as it can be killed: with one of these the family dies. */
export interface FamilyToken {
  readonly id: string;
  readonly keyId: string;
  /** Base64url of 16 bytes each: the links that were issued. */
  readonly links: readonly string[];
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** All that one code gave: tokens, and if policy allows it, one refresh token after the other. */
export interface Family extends Granted {
  /** A UUIDv7. */
  readonly id: string;
  /** Of the code that began it: a second use of it ends the family. */
  readonly codeHash: Uint8Array;
  /** Of the refresh token that is good, 32 bytes; null if none was given. */
  readonly tokenHash: Uint8Array | null;
  /** Of the one that it replaced; null before the first. */
  readonly replacedHash: Uint8Array | null;
  /** When that was replaced, unix milliseconds. */
  readonly replacedAt: number | null;
  /** The answer that replaced it, sealed under a key that only that token yields. */
  readonly answer: Uint8Array | null;
  /** Those that were alive when the newest was given. */
  readonly tokens: readonly FamilyToken[];
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** The end of the time that policy lets the session last, or of its only token; unix milliseconds. */
  readonly endsAt: number;
}

/** The changes that redeeming a grant makes, in the transaction that records the token. */
export type Redeeming =
  | {
      readonly kind: "code";
      readonly code: StoredCode;
      readonly family: Family;
      /** If the code's hash names an assertion, that is used up until this instant, unix milliseconds. */
      readonly usedUntil?: number | undefined;
    }
  | { readonly kind: "refresh" /** As it was read. */; readonly before: Family; readonly after: Family };

/** A consent that is remembered. */
export interface Consent {
  /** A UUIDv7. */
  readonly id: string;
  readonly issuer: string;
  readonly subject: string;
  readonly clientId: string;
  /** The client's name at that time; for people. */
  readonly clientName: string;
  readonly redirectHost: string;
  /** SHA-256 of the client's statements about itself, 32 bytes: another document is another client. */
  readonly clientHash: Uint8Array;
  readonly platform: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly spokeAt: number;
  readonly keyId: string | null;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** The person that the consents belong to. */
export type ConsentOwner = Pick<Consent, "issuer" | "subject">;

/** The records that the authorization server keeps. Every method rejects only when the store could not answer. */
export interface OAuthStore {
  insertClient(client: RegisteredClient): Promise<void>;
  /** @returns undefined for an id that no client has */
  findClient(id: string): Promise<RegisteredClient | undefined>;
  /** Holds a client until the transaction ends. @returns false for an id that no client has, or has any more */
  holdClient(id: string): Promise<boolean>;
  /** Newest first; the page key is the id. */
  listClients(page: PageRequest): Promise<Page<RegisteredClient>>;
  /** Deletes a client with its codes, families, consents and devices' requests. @returns the families' tokens; undefined if there is no such client */
  deleteClient(id: string): Promise<{ readonly tokens: readonly FamilyToken[] } | undefined>;

  /** Inserts a code. One that has the same hash stays as it is. */
  insertCode(code: StoredCode): Promise<void>;
  /** @returns undefined for one that never was, was redeemed, or was dropped. One that has expired may still be found */
  findCode(hash: Uint8Array): Promise<StoredCode | undefined>;

  findFamily(id: string): Promise<Family | undefined>;
  /** The family that a code began. */
  findFamilyOfCode(codeHash: Uint8Array): Promise<Family | undefined>;
  /** Takes a family's refresh token away, under its lock. @returns as it is from then on, with all that it will have given; undefined if it is gone */
  stopFamily(id: string): Promise<Family | undefined>;
  /** Ends a family. @returns as it was; undefined if somebody else has ended it */
  endFamily(id: string): Promise<Family | undefined>;
  /**
   * Whether an entry of the revocation log ends a grant by a root key or by a token that it gave. The caller's
   * transaction must hold the log.
   */
  isMortallyHit(grant: Mortal, tokens: readonly FamilyToken[]): Promise<boolean>;

  /** Keeps a consent in the place of an earlier one of the same person, client, host, document and resource. */
  keepConsent(consent: Consent): Promise<void>;
  /** The newest first that has not expired. */
  findConsent(
    of: Pick<Consent, "issuer" | "subject" | "clientId" | "redirectHost" | "clientHash" | "resource">,
    now: number,
  ): Promise<Consent | undefined>;
  /** Holds a consent until the transaction ends. @returns false for one that was taken back */
  holdConsent(id: string): Promise<boolean>;
  /** Those that have not expired, newest first; the page key is the id. @param owner undefined for everybody's */
  listConsents(owner: ConsentOwner | undefined, now: number, page: PageRequest): Promise<Page<Consent>>;
  /**
   * Forgets a consent, and ends the families that the same person let the same client have for the same resource.
   *
   * @returns undefined if the owner has none of this id
   */
  deleteConsent(owner: ConsentOwner | undefined, id: string): Promise<Consent | undefined>;

  /** Drops the records that have ended. @returns how many rows */
  dropExpired(now: number): Promise<number>;
}

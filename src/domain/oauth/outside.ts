import type { Resource } from "../ports/resources.ts";

/** The most bytes of a client's metadata document. */
export const MAX_DOCUMENT = 5 * 1024;

/** The outcome of fetching an address that a caller named. */
export type FetchedDocument =
  | {
      readonly ok: true;
      readonly bytes: Uint8Array;
      /** The header `Cache-Control`; empty if there was none. */
      readonly cacheControl: string;
      /** Seconds that the answer has spent in caches. */
      readonly age: number;
    }
  /** `why` is public: it says nothing of the host behind the address. */
  | { readonly ok: false; readonly why: string };

/** The only port by which the service fetches an address that a caller names. */
export interface DocumentFetch {
  /** Fetches a document, behind every guard. Never rejects. @param url checked to be a client's */
  fetch(url: URL): Promise<FetchedDocument>;
}

/** The check of a client's signature at the token endpoint. */
export interface ClientAssertions {
  /**
   * Checks a JWT's signature against a client's own keys.
   *
   * @returns its claims, unjudged; undefined if it is no JWT, has an algorithm with a shared secret or none, or fits no key
   */
  verify(
    assertion: string,
    jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] },
  ): Promise<Readonly<Record<string, unknown>> | undefined>;
}

/** A resource, as far as the authorization server needs it. */
export type OAuthResource = Pick<
  Resource,
  "platform" | "resource" | "name" | "scopes" | "caveats" | "maxTtl" | "acceptUnbound"
>;

/** Resources of all platforms. */
export interface OAuthResources {
  /** @param uri as a caller wrote it. @returns undefined for a text that is none, or that nobody registered */
  find(uri: string): Promise<OAuthResource | undefined>;
  /** The only one of the service; undefined if there is none, or a second. */
  only(): Promise<OAuthResource | undefined>;
}

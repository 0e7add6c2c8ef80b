import type { Page, PageRequest } from "./parts/page.ts";

/** A scope of a resource. */
export interface ResourceScope {
  /** A scope token (RFC 6749 §3.3). */
  readonly scope: string;
  /** One line for the person who is asked for it. */
  readonly description: string;
}

/** An API or tool server of a platform. */
export interface Resource {
  /** A UUID of version 7. */
  readonly id: string;
  readonly platform: string;
  /** Its canonical URI, which is one platform's in the whole service. It never changes. */
  readonly resource: string;
  /** One line for people. */
  readonly name: string;
  /** In the order in which they were registered; no two of one name. */
  readonly scopes: readonly ResourceScope[];
  /** Caveats of every token that the token endpoint issues for it, in the caveat language. */
  readonly caveats: readonly string[];
  /** The longest life of such a token, seconds; null if only policy limits it. */
  readonly maxTtl: number | null;
  /** Whether it takes tokens that were issued without an `aud` that names it. */
  readonly acceptUnbound: boolean;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** Resources of all platforms. Every method rejects only when the store could not answer. */
export interface ResourceStore {
  /** @returns false if the URI is registered already, by whichever platform; nothing is changed then */
  insert(resource: Resource): Promise<boolean>;
  /** @returns undefined for an id that no resource of the platform has */
  find(platform: string, id: string): Promise<Resource | undefined>;
  /** The resource of a canonical URI, of whichever platform. */
  findByUri(uri: string): Promise<Resource | undefined>;
  /** The only resource of the service; undefined if there is none, or a second. */
  only(): Promise<Resource | undefined>;
  /** Replaces all but id, platform, URI and time. @returns false if the platform has no such resource */
  replace(resource: Resource): Promise<boolean>;
  /** @returns the resource that was removed; undefined if the platform has no such one */
  remove(platform: string, id: string): Promise<Resource | undefined>;
  /** Oldest first; the page key is the id. */
  list(platform: string, page: PageRequest): Promise<Page<Resource>>;
  /** The number of a platform's resources. */
  count(platform: string): Promise<number>;
  /** The URIs of a platform's resources. */
  uris(platform: string): Promise<readonly string[]>;
}

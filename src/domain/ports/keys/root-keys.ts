import type { Page, PageRequest } from "../parts/page.ts";

/** A root key as it rests in the store: the key itself is sealed under the master key. */
export interface StoredRootKey {
  /** 16 characters of base64url. */
  readonly id: string;
  readonly platform: string;
  /** The sealed key (see `domain/sealing.ts`). */
  readonly sealed: Uint8Array;
  /** Unix milliseconds. */
  readonly createdAt: number;
  /** It signs from this instant on, unix milliseconds. */
  readonly activeFrom: number;
  /** It stops signing at this instant, unix milliseconds; null while it is the platform's newest. */
  readonly retiredAt: number | null;
  /** No token under it can be alive after this instant, unix milliseconds; null while it is the newest. */
  readonly expiresAt: number | null;
}

/**
 * Root keys by id.
 *
 * `find` resolves to undefined for an id that never existed or was destroyed, and every method rejects
 * only when the store could not answer. Callers must not turn a rejection into "not found": that would
 * read as a forged token and hide an outage.
 */
export interface RootKeyStore {
  insert(key: StoredRootKey): Promise<void>;
  find(id: string): Promise<StoredRootKey | undefined>;
  /** All keys that are not expired at `now` (unix milliseconds). */
  usable(now: number): Promise<readonly StoredRootKey[]>;
  /** The platform's newest key by `activeFrom`; undefined if it has none. */
  newest(platform: string): Promise<StoredRootKey | undefined>;
  /** Sets when a key stops signing and when it expires. */
  retire(id: string, retiredAt: number, expiresAt: number): Promise<void>;
  /** Replaces the sealed form, as when the master key changes. */
  reseal(id: string, sealed: Uint8Array): Promise<void>;
  /** Destroys keys that expired before `now`. @returns their ids */
  destroyExpired(now: number): Promise<readonly string[]>;
  /** Newest first; of one platform, or of all where `platform` is undefined. The page key is opaque. */
  list(platform: string | undefined, page: PageRequest): Promise<Page<StoredRootKey>>;
}

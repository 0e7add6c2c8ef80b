import { SHORT_ID_BYTES } from "./identifier.ts";
import { MAX_TOKEN_LIFE, ROOT_KEY_MARGIN } from "./lifetimes.ts";
import { createLookUp } from "./look-up.ts";
import type { Clock } from "./ports/clock.ts";
import type { Randomness } from "./ports/randomness.ts";
import type { StoredRootKey } from "./ports/root-keys.ts";
import type { Repositories, Store } from "./ports/store.ts";
import type { Sealing } from "./sealing.ts";
import { Secret } from "./secret.ts";

/** A root key that is ready for use. */
export interface RootKey {
  readonly id: string;
  readonly platform: string;
  readonly key: Secret;
  /** Unix milliseconds. */
  readonly activeFrom: number;
  /** Unix milliseconds; null while no successor is known. */
  readonly retiredAt: number | null;
}

/** Root keys: which one signs, which ones still verify, and when they are replaced. */
export interface RootKeys {
  /** Reads all usable keys. Throws where one does not open under the master key. */
  load(): Promise<void>;
  /** @returns undefined for a key that does not exist or has expired; rejects where that could not be found out */
  find(id: string): Promise<RootKey | undefined>;
  /** Reads a platform's signing key where memory holds none, as just after the platform was made elsewhere. */
  prepare(platform: string): Promise<void>;
  /** The key that signs for a platform at `now` (unix milliseconds), of those in memory. */
  signing(platform: string, now: number): RootKey | undefined;
  /** Makes a platform's first key, in the caller's transaction. It signs at once. */
  createFirst(repositories: Repositories, platform: string, now: number): Promise<StoredRootKey>;
  /**
   * Makes a platform's next key, in the caller's transaction, which must hold the platform's row. It
   * signs once every replica can have it. Where a next key is waiting already, that one is returned.
   */
  rotate(
    repositories: Repositories,
    platform: string,
    now: number,
  ): Promise<{ readonly key: StoredRootKey; readonly created: boolean }>;
  /** Puts a key into memory, once the transaction that made it is committed. */
  remember(key: StoredRootKey): void;
}

const KEY_BYTES = 32;
/** What root keys are sealed as. */
export const ROOT_KEY_PURPOSE = "root key";

/** Look-ups a second of keys that memory does not hold. */
const LOOK_UPS = 100;

/** @param stalenessMilliseconds within which every replica has read what was committed, or refuses to answer */
export function createRootKeys(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
}): RootKeys {
  const { store, sealing, clock, randomness } = options;
  let known = new Map<string, RootKey>();

  function open(stored: StoredRootKey): RootKey {
    const { id, platform, activeFrom, retiredAt } = stored;
    const before = known.get(id);
    const key = before?.key ?? new Secret(sealing.open(stored.sealed, ROOT_KEY_PURPOSE, id, platform));
    return { id, platform, key, activeFrom, retiredAt };
  }

  function remember(stored: StoredRootKey): void {
    known.set(stored.id, open(stored));
  }

  const lookUp = createLookUp({
    load: async (id) => {
      const stored = await store.rootKeys.find(id);
      const expired = stored?.expiresAt != null && stored.expiresAt <= clock.now();
      return expired ? undefined : stored;
    },
    clock,
    perSecond: LOOK_UPS,
    missMilliseconds: 1_000,
  });

  async function load(): Promise<void> {
    const usable = await store.rootKeys.usable(await store.now());
    const loaded = new Map(usable.map((stored) => [stored.id, open(stored)]));
    // A key that was remembered while the query ran is newer than the query's answer.
    const young = clock.now() - options.stalenessMilliseconds;
    for (const [id, key] of known) if (!loaded.has(id) && key.activeFrom > young) loaded.set(id, key);
    known = loaded;
  }

  async function create(
    repositories: Repositories,
    platform: string,
    now: number,
    activeFrom: number,
  ): Promise<StoredRootKey> {
    const id = Buffer.from(randomness.bytes(SHORT_ID_BYTES)).toString("base64url");
    const sealed = sealing.seal(randomness.bytes(KEY_BYTES), ROOT_KEY_PURPOSE, id, platform);
    const key = { id, platform, sealed, createdAt: now, activeFrom, retiredAt: null, expiresAt: null };
    await repositories.rootKeys.insert(key);
    return key;
  }

  return {
    load,

    async find(id) {
      const key = known.get(id);
      if (key !== undefined) return key;
      const stored = await lookUp.find(id);
      if (stored !== undefined) remember(stored);
      return known.get(id);
    },

    async prepare(platform) {
      for (const key of known.values()) if (key.platform === platform) return;
      const stored = await store.rootKeys.newest(platform);
      if (stored !== undefined) remember(stored);
    },

    signing(platform, now) {
      let newest: RootKey | undefined;
      for (const key of known.values()) {
        if (key.platform !== platform || key.activeFrom > now) continue;
        if (newest === undefined || key.activeFrom > newest.activeFrom) newest = key;
      }
      return newest;
    },

    createFirst: (repositories, platform, now) => create(repositories, platform, now, now),

    async rotate(repositories, platform, now) {
      const newest = await repositories.rootKeys.newest(platform);
      if (newest === undefined) {
        return { key: await create(repositories, platform, now, now), created: true };
      }
      if (newest.activeFrom > now) return { key: newest, created: false };
      const activeFrom = now + 2 * options.stalenessMilliseconds;
      const key = await create(repositories, platform, now, activeFrom);
      const expiresAt = activeFrom + MAX_TOKEN_LIFE + ROOT_KEY_MARGIN;
      await repositories.rootKeys.retire(newest.id, activeFrom, expiresAt);
      return { key, created: true };
    },

    remember,
  };
}

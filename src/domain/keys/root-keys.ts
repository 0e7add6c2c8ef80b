import { SHORT_ID_BYTES } from "../../words/ids.ts";
import { DomainError } from "../parts/error.ts";
import { MAX_TOKEN_LIFE, ROOT_KEY_MARGIN } from "../parts/lifetimes.ts";
import { createLookUp } from "../parts/look-up.ts";
import type { Clock } from "../ports/clock.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { StoredRootKey } from "../ports/root-keys.ts";
import type { Repositories, Store } from "../ports/store.ts";
import { type Sealing, SealingError } from "./sealing.ts";
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

/** A key that is on record and does not open: nobody can say here whether a token under it is good. */
interface Unopened {
  readonly id: string;
  readonly platform: string;
  readonly activeFrom: number;
}

/** What a replica holds of the keys on record. */
interface Memory {
  readonly opened: Map<string, RootKey>;
  readonly unopened: Map<string, Unopened>;
}

/** Root keys: which one signs, which ones still verify, and when they are replaced. */
export interface RootKeys {
  /**
   * Reads all usable keys. One that does not open under the master key stands in nobody's way but its own tokens'.
   * Rejects with a `SealingError` where there are keys and none of them opens: then the master key is another one.
   */
  load(): Promise<void>;
  /**
   * @param asker whose allowance of look-ups is used where memory does not hold the key
   * @returns undefined for a key that does not exist or has expired; rejects where that could not be found out, and
   *   with `unavailable` for a key of the asker's that does not open
   */
  find(id: string, asker?: string): Promise<RootKey | undefined>;
  /** As `find`, of what is in memory alone. */
  held(id: string): RootKey | undefined;
  /**
   * Reads a platform's keys where memory holds none that may sign, as just after the platform was made elsewhere or
   * its key was revoked there.
   */
  prepare(platform: string): Promise<void>;
  /**
   * The key that signs for a platform at `now` (unix milliseconds), of those in memory that are not revoked. Throws
   * `unavailable` where that key does not open: an older one is destroyed before what it signed now would expire.
   */
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
  /**
   * Makes the key that takes over from one that is about to be revoked, in the caller's transaction, which must
   * hold the platform's row. It signs at once: what the other replicas do not have yet they look up.
   *
   * @returns undefined where the key signs no more, and never will again
   */
  replace(
    repositories: Repositories,
    platform: string,
    keyId: string,
    now: number,
  ): Promise<StoredRootKey | undefined>;
  /** Puts a key into memory, once the transaction that made it is committed. */
  remember(key: StoredRootKey): void;
  /** Takes a key out of memory that was put there before its transaction was undone. */
  forget(id: string): void;
}

const KEY_BYTES = 32;
/** What root keys are sealed as. */
export const ROOT_KEY_PURPOSE = "root key";

/** Keys of a platform among which the one is that signs: it is replaced monthly, and once more for each that is revoked. */
const NEWEST = 100;

/** Look-ups a second, for each asker, of keys that memory does not hold. */
const LOOK_UPS = 100;

function unopenable(): DomainError {
  return new DomainError("unavailable", "the root key does not open under this replica's master key");
}

/** @param stalenessMilliseconds within which every replica has read what was committed, or refuses to answer */
export function createRootKeys(options: {
  readonly store: Store;
  readonly sealing: Sealing;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
  /** Whether a key is known to be revoked. */
  readonly isRevoked: (platform: string, keyId: string) => boolean;
  /** Told once of each key that does not open. */
  readonly onUnopened: (keyId: string, error: SealingError) => void;
}): RootKeys {
  const { store, sealing, clock, randomness } = options;
  let known: Memory = { opened: new Map(), unopened: new Map() };

  /** @returns why it does not open, where it does not */
  function put(memory: Memory, stored: StoredRootKey): SealingError | undefined {
    const { id, platform, activeFrom, retiredAt } = stored;
    try {
      const before = known.opened.get(id);
      const key = before?.key ?? new Secret(sealing.open(stored.sealed, ROOT_KEY_PURPOSE, id, platform));
      memory.opened.set(id, { id, platform, key, activeFrom, retiredAt });
      memory.unopened.delete(id);
      return undefined;
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      memory.unopened.set(id, { id, platform, activeFrom });
      return error;
    }
  }

  function remember(stored: StoredRootKey): void {
    const heardOf = known.unopened.has(stored.id);
    const problem = put(known, stored);
    if (problem !== undefined && !heardOf) options.onUnopened(stored.id, problem);
  }

  /** What memory says of a key. @throws DomainError `unavailable` for one of the asker's that does not open */
  function recall(id: string, asker: string | undefined): RootKey | undefined {
    const shut = known.unopened.get(id);
    // A foreign key is as unknown as one that never was, whether it opens or not.
    if (shut !== undefined && (asker === undefined || asker === shut.platform)) throw unopenable();
    return known.opened.get(id);
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
    const loaded: Memory = { opened: new Map(), unopened: new Map() };
    const problems = new Map<string, SealingError>();
    for (const stored of usable) {
      const problem = put(loaded, stored);
      if (problem !== undefined) problems.set(stored.id, problem);
    }
    const [first] = problems.values();
    if (first !== undefined && loaded.opened.size === 0) throw first;
    for (const [id, problem] of problems) if (!known.unopened.has(id)) options.onUnopened(id, problem);
    // A key that was remembered while the query ran is newer than the query's answer.
    const young = clock.now() - options.stalenessMilliseconds;
    for (const [id, key] of known.opened) {
      if (!loaded.opened.has(id) && key.activeFrom > young) loaded.opened.set(id, key);
    }
    known = loaded;
  }

  function signing(platform: string, now: number): RootKey | undefined {
    let newest: RootKey | Unopened | undefined;
    for (const keys of [known.opened, known.unopened]) {
      for (const key of keys.values()) {
        if (key.platform !== platform || key.activeFrom > now) continue;
        if (newest !== undefined && key.activeFrom <= newest.activeFrom) continue;
        if (!options.isRevoked(platform, key.id)) newest = key;
      }
    }
    if (newest === undefined || "key" in newest) return newest;
    throw unopenable();
  }

  async function create(
    repositories: Repositories,
    platform: string,
    now: number,
    activeFrom: number,
    until: { readonly retiredAt: number | null; readonly expiresAt: number | null } = {
      retiredAt: null,
      expiresAt: null,
    },
  ): Promise<StoredRootKey> {
    const id = Buffer.from(randomness.bytes(SHORT_ID_BYTES)).toString("base64url");
    const sealed = sealing.seal(randomness.bytes(KEY_BYTES), ROOT_KEY_PURPOSE, id, platform);
    const key = { id, platform, sealed, createdAt: now, activeFrom, ...until };
    await repositories.rootKeys.insert(key);
    return key;
  }

  return {
    load,

    async find(id, asker) {
      if (!known.opened.has(id) && !known.unopened.has(id)) {
        const stored = await lookUp.find(id, asker);
        if (stored !== undefined) remember(stored);
      }
      return recall(id, asker);
    },

    held: (id) => known.opened.get(id),

    async prepare(platform) {
      if (signing(platform, clock.now()) !== undefined) return;
      const { items } = await store.rootKeys.list(platform, { limit: NEWEST, after: undefined });
      for (const stored of items) if (!known.opened.has(stored.id)) remember(stored);
    },

    signing,

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

    async replace(repositories, platform, keyId, now) {
      const old = await repositories.rootKeys.find(keyId);
      if (old === undefined || old.platform !== platform) return undefined;
      const { retiredAt, expiresAt } = old;
      if (retiredAt !== null && retiredAt <= now) return undefined;
      // One that was waiting to take over is replaced by one that takes over then. The later of the two instants
      // has to be the new key's: by it a platform's newest key is told.
      const activeFrom = Math.max(now, old.activeFrom + 1);
      await repositories.rootKeys.retire(keyId, activeFrom, activeFrom + MAX_TOKEN_LIFE + ROOT_KEY_MARGIN);
      return create(repositories, platform, now, activeFrom, { retiredAt, expiresAt });
    },

    remember,
    forget: (id) => void known.opened.delete(id),
  };
}

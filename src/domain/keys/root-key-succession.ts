import { newShortId } from "../parts/short-id.ts";
import type { StoredRootKey } from "../ports/keys/root-keys.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories } from "../ports/store.ts";
import type { Custody } from "./custody.ts";
import { expiresAfter, takesOverAt } from "./key-times.ts";

/** How one root key of a platform follows another. Every method works in the caller's transaction. */
export interface RootKeySuccession {
  /** Makes a platform's first key. It signs at once. */
  createFirst(repositories: Repositories, platform: string, now: number): Promise<StoredRootKey>;
  /**
   * Makes a platform's next key, which signs once every replica can have it. The transaction must hold the platform's
   * row. A next key that is waiting already is returned.
   */
  rotate(
    repositories: Repositories,
    platform: string,
    now: number,
  ): Promise<{ readonly key: StoredRootKey; readonly created: boolean }>;
  /**
   * Makes the key that takes over from a key that is about to be revoked. The transaction must hold the platform's
   * row. The new key signs at once: replicas that do not have it yet look it up.
   *
   * @returns undefined for a key that signs no more, and never will again
   */
  replace(
    repositories: Repositories,
    platform: string,
    keyId: string,
    now: number,
  ): Promise<StoredRootKey | undefined>;
}

/** The facts that a sealed root key is tied to. */
export type RootKeyTies = Pick<StoredRootKey, "id" | "platform">;

const KEY_BYTES = 32;

/** @param stalenessMilliseconds within which every replica has read each commit, or refuses to answer */
export function createRootKeySuccession(options: {
  readonly custody: Pick<Custody<RootKeyTies>, "seal">;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
}): RootKeySuccession {
  const { custody, randomness, stalenessMilliseconds } = options;

  async function create(
    repositories: Repositories,
    platform: string,
    now: number,
    times: Pick<StoredRootKey, "activeFrom" | "retiredAt" | "expiresAt">,
  ): Promise<StoredRootKey> {
    const id = newShortId(randomness);
    const sealed = custody.seal(randomness.bytes(KEY_BYTES), { id, platform });
    const key = { id, platform, sealed, createdAt: now, ...times };
    await repositories.rootKeys.insert(key);
    return key;
  }

  /** @param activeFrom the key is the platform's newest from then on */
  function createNewest(repositories: Repositories, platform: string, now: number, activeFrom: number) {
    return create(repositories, platform, now, { activeFrom, retiredAt: null, expiresAt: null });
  }

  return {
    createFirst: (repositories, platform, now) => createNewest(repositories, platform, now, now),

    async rotate(repositories, platform, now) {
      const newest = await repositories.rootKeys.newest(platform);
      if (newest === undefined) {
        return { key: await createNewest(repositories, platform, now, now), created: true };
      }
      if (newest.activeFrom > now) return { key: newest, created: false };
      const activeFrom = takesOverAt(now, stalenessMilliseconds);
      const key = await createNewest(repositories, platform, now, activeFrom);
      await repositories.rootKeys.retire(newest.id, activeFrom, expiresAfter(activeFrom));
      return { key, created: true };
    },

    async replace(repositories, platform, keyId, now) {
      const old = await repositories.rootKeys.find(keyId);
      if (old === undefined || old.platform !== platform) return undefined;
      const { retiredAt, expiresAt } = old;
      if (retiredAt !== null && retiredAt <= now) return undefined;
      // A platform's newest key is told by `activeFrom`, so the new key's must be the later one. A key that was
      // waiting to take over is replaced by one that takes over at that same time.
      const activeFrom = Math.max(now, old.activeFrom + 1);
      await repositories.rootKeys.retire(keyId, activeFrom, expiresAfter(activeFrom));
      return create(repositories, platform, now, { activeFrom, retiredAt, expiresAt });
    },
  };
}

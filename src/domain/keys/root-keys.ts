import { createLookUp } from "../parts/look-up.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoredRootKey } from "../ports/keys/root-keys.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import { type Custody, createCustody } from "./custody.ts";
import { createKeyring, doesNotOpen } from "./keyring.ts";
import { createRootKeySuccession, type RootKeySuccession, type RootKeyTies } from "./root-key-succession.ts";
import type { Sealing, SealingError } from "./sealing.ts";
import type { Secret } from "./secret.ts";

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

/** Root keys: which key signs, which keys still verify, and when they are replaced. */
export interface RootKeys extends RootKeySuccession, Pick<Custody<RootKeyTies>, "reseal" | "destroyExpired"> {
  /**
   * Reads all usable keys. A key that does not open under the master key stops its own tokens and no others.
   * Rejects with a `SealingError` if there are keys and none of them opens: then the master key is another one.
   */
  load(): Promise<void>;
  /**
   * Another platform's key costs an asking platform the same as a key that never was, in time and allowance, whether
   * memory holds it or not.
   *
   * @param asker the platform whose key it must be, and whose allowance of look-ups it is taken from; undefined for any
   * @returns undefined for a key that does not exist, has expired or is another platform's; rejects if the store could not answer, and with
   *   `unavailable` for a key of the asker's that does not open
   */
  find(id: string, asker?: string): Promise<RootKey | undefined>;
  /** Costs what `find` costs for a key that never was, for a refusal that must not tell whether the key exists. */
  spendAsUnknown(id: string): Promise<void>;
  /** As `find`, from memory alone. */
  held(id: string): RootKey | undefined;
  /**
   * Reads a platform's keys if memory holds none that may sign, as just after the platform was made elsewhere or
   * its key was revoked there.
   */
  prepare(platform: string): Promise<void>;
  /**
   * The key that signs for a platform at `now` (unix milliseconds), of those in memory that are not revoked. Throws
   * `unavailable` if that key does not open: an older key is destroyed before the tokens that it signs now expire.
   */
  signing(platform: string, now: number): RootKey | undefined;
  /** Since when the key signs that signs now, unix milliseconds, by platform: of the keys in memory that are not revoked. */
  signingSince(now: number): ReadonlyMap<string, number>;
  /** Puts a key into memory, once the transaction that made it is committed. */
  remember(key: StoredRootKey): void;
  /** Takes a key out of memory that was put there before its transaction was undone. */
  forget(id: string): void;
}

/** Root keys are sealed as this. */
export const ROOT_KEY_PURPOSE = "root key";

/** Newest keys of a platform that are read to find the signing one: a key is replaced monthly, and when it is revoked. */
const NEWEST = 100;

/** Look-ups a second, for each asker, of keys that memory does not hold. */
const LOOK_UPS = 100;

/** @param stalenessMilliseconds within which every replica has read each commit, or refuses to answer */
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
  /** Told of each key that memory lets go of. */
  readonly onGone?: (keyId: string) => void;
}): RootKeys {
  const { store, clock, stalenessMilliseconds, isRevoked } = options;
  const custody = createCustody<RootKeyTies>({
    ...options,
    purpose: ROOT_KEY_PURPOSE,
    keysOf: ({ rootKeys }) => rootKeys,
    tiesOf: ({ id, platform }) => [id, platform],
    destroyed: "key.destroyed",
  });
  const ring = createKeyring<StoredRootKey>({ ...options, unseal: custody.open });

  const lookUp = createLookUp({
    load: async (name) => {
      const [asker, id = ""] = name.split("\n");
      const stored = await store.rootKeys.find(id);
      const expired = stored?.expiresAt != null && stored.expiresAt <= clock.now();
      const isOthers = asker !== "" && stored?.platform !== asker;
      return expired || isOthers || ring.open.has(id) ? undefined : stored;
    },
    clock,
    perSecond: LOOK_UPS,
    missMilliseconds: 1_000,
  });

  function signing(platform: string, now: number): RootKey | undefined {
    let newest: { readonly id: string; readonly activeFrom: number } | undefined;
    for (const keys of [ring.open, ring.shut]) {
      for (const key of keys.values()) {
        if (key.platform !== platform || key.activeFrom > now) continue;
        if (newest !== undefined && key.activeFrom <= newest.activeFrom) continue;
        if (!isRevoked(platform, key.id)) newest = key;
      }
    }
    if (newest !== undefined && ring.shut.has(newest.id)) throw doesNotOpen("the root key");
    return newest && ring.open.get(newest.id);
  }

  return {
    ...createRootKeySuccession({ ...options, custody }),
    reseal: custody.reseal,
    destroyExpired: custody.destroyExpired,

    async load() {
      const usable = await store.rootKeys.usable(await store.now());
      // A key that was remembered while the query ran is newer than the query's answer.
      const young = clock.now() - stalenessMilliseconds;
      ring.replace(usable, { needsOne: true, keeps: ({ activeFrom }) => activeFrom > young });
    },

    async find(id, asker) {
      const isTheirs = (key: { readonly platform: string } | undefined) =>
        key !== undefined && (asker === undefined || key.platform === asker);
      if (!isTheirs(ring.open.get(id) ?? ring.shut.get(id))) {
        const stored = await lookUp.find(`${asker ?? ""}\n${id}`, asker);
        if (stored !== undefined) ring.put(stored);
      }
      if (isTheirs(ring.shut.get(id))) throw doesNotOpen("the root key");
      const key = ring.open.get(id);
      return isTheirs(key) ? key : undefined;
    },

    spendAsUnknown: async (id) => void (await lookUp.find(`\n${id}`)),

    held: (id) => ring.open.get(id),

    async prepare(platform) {
      if (signing(platform, clock.now()) !== undefined) return;
      const { items } = await store.rootKeys.list(platform, { limit: NEWEST, after: undefined });
      for (const stored of items) if (!ring.open.has(stored.id)) ring.put(stored);
    },

    signing,

    signingSince(now) {
      const since = new Map<string, number>();
      for (const { id, platform, activeFrom } of ring.open.values()) {
        if (activeFrom > now || activeFrom < (since.get(platform) ?? 0) || isRevoked(platform, id)) continue;
        since.set(platform, activeFrom);
      }
      return since;
    },

    remember: ring.put,
    forget: ring.remove,
  };
}

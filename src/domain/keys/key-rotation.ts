import { actorOf, auditEvent } from "../audit.ts";
import { DomainError } from "../parts/error.ts";
import { requireAdministratorOrPlatform } from "../permission.ts";
import type { Actor } from "../ports/audit.ts";
import type { Clock } from "../ports/clock.ts";
import type { StoredRootKey } from "../ports/keys/root-keys.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Store } from "../ports/store.ts";
import type { Keys, KeyView } from "../service.ts";
import type { KeyAllowance } from "./key-allowance.ts";
import type { RootKeys } from "./root-keys.ts";

function viewOf(key: StoredRootKey, now: number): KeyView {
  const { id, platform, createdAt, activeFrom, retiredAt, expiresAt } = key;
  const retired = retiredAt !== null && retiredAt <= now;
  const state = retired ? "retired" : activeFrom > now ? "pending" : "active";
  return { keyId: id, platform, state, createdAt, activeFrom, retiredAt, expiresAt };
}

/**
 * Replaces a platform's signing key, with its audit events, unless one is waiting to take over already.
 *
 * @param isDue decides, with the platform's row held, whether it is still wanted
 * @returns the next key, and whether it was made just now; undefined if there is no such platform or it is not due
 */
export async function rotateKey(
  options: { readonly store: Store; readonly rootKeys: RootKeys; readonly randomness: Randomness },
  platform: string,
  actor: Actor,
  isDue: (newest: StoredRootKey | undefined, now: number) => boolean = () => true,
): Promise<{ readonly key: StoredRootKey; readonly created: boolean } | undefined> {
  const { store, rootKeys, randomness } = options;
  const made = await store.transaction("rotate root key", async (repositories) => {
    if ((await repositories.platforms.lock(platform)) === undefined) return undefined;
    const now = await repositories.now();
    const newest = await repositories.rootKeys.newest(platform);
    if (!isDue(newest, now)) return undefined;
    const { key, created } = await rootKeys.rotate(repositories, platform, now);
    if (created) {
      const details = { key_id: key.id, active_from: key.activeFrom, replaces: newest?.id ?? null };
      const event = { action: "key.created", actor, platform, details } as const;
      await repositories.audit.append([auditEvent(randomness, now, event)]);
    }
    return { key, created };
  });
  if (made !== undefined) rootKeys.remember(made.key);
  return made;
}

/**
 * Replaces a key that is about to be revoked, with its audit event, where it signs or would sign one day: by a
 * key that signs at once, because nothing under the old one is any good from then on.
 *
 * @returns whether a key was made
 */
export async function replaceKey(
  options: { readonly store: Store; readonly rootKeys: RootKeys; readonly randomness: Randomness },
  platform: string,
  keyId: string,
  actor: Actor,
): Promise<boolean> {
  const { store, rootKeys, randomness } = options;
  const made = await store.transaction("replace root key", async (repositories) => {
    if ((await repositories.platforms.lock(platform)) === undefined) return undefined;
    const now = await repositories.now();
    const key = await rootKeys.replace(repositories, platform, keyId, now);
    if (key === undefined) return undefined;
    const details = { key_id: key.id, active_from: key.activeFrom, replaces: keyId };
    const event = { action: "key.created", actor, platform, details } as const;
    await repositories.audit.append([auditEvent(randomness, now, event)]);
    return key;
  });
  if (made !== undefined) rootKeys.remember(made);
  return made !== undefined;
}

/** Root keys as their owners see them. No answer ever holds a key. */
export function createKeys(options: {
  readonly store: Store;
  readonly rootKeys: RootKeys;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly allowance: Pick<KeyAllowance, "takeForRotation">;
}): Keys {
  const { store, clock } = options;
  return {
    async list(caller, platform, page) {
      const allowed = requireAdministratorOrPlatform(caller, "keys", platform);
      const { items, next } = await store.rootKeys.list(allowed, page);
      const now = clock.now();
      return { items: items.map((key) => viewOf(key, now)), next };
    },

    async rotate(caller, platform) {
      const allowed = requireAdministratorOrPlatform(caller, "keys", platform);
      if (allowed === undefined) throw new DomainError("invalid_request", "name the platform", "platform");
      const giveBack = options.allowance.takeForRotation(caller, allowed);
      const rotated = await rotateKey(options, allowed, actorOf(caller));
      if (rotated?.created !== true) giveBack();
      if (rotated === undefined) throw new DomainError("not_found", "no such platform");
      return viewOf(rotated.key, clock.now());
    },
  };
}

import { boxPublicKey } from "../../macaroon/index.ts";
import { auditEvent } from "../audit.ts";
import { ROOT_KEY_AGE } from "../parts/lifetimes.ts";
import { newShortId } from "../parts/short-id.ts";
import type { StoredDischargeKey } from "../ports/keys/discharge-keys.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { Custody } from "./custody.ts";
import { expiresAfter, takesOverAt } from "./key-times.ts";

/** The facts that a sealed discharge key is tied to. */
export type DischargeKeyTies = Pick<StoredDischargeKey, "id">;

const KEY_BYTES = 32;

/**
 * Milliseconds after which a key that does not open here is replaced. Not sooner: two replicas with different master
 * keys replace each other's, and every key is tried on every ticket for three months.
 */
const UNOPENED_AGE = 24 * 3_600_000;

/**
 * Makes the renewal of discharge keys.
 *
 * @param opens whether a key opens under this replica's master key
 * @param stalenessMilliseconds within which every replica has read each commit
 * @returns makes the first key, or the next key once the newest is of age
 */
export function createDischargeKeyRenewal(options: {
  readonly store: Store;
  readonly custody: Pick<Custody<DischargeKeyTies>, "seal">;
  readonly randomness: Randomness;
  readonly stalenessMilliseconds: number;
  readonly opens: (keyId: string) => boolean;
}): () => Promise<void> {
  const { store, custody, randomness, stalenessMilliseconds } = options;

  async function create(repositories: Repositories, now: number, activeFrom: number): Promise<void> {
    const id = newShortId(randomness);
    const key = randomness.bytes(KEY_BYTES);
    await repositories.dischargeKeys.insert({
      id,
      publicKey: boxPublicKey(key),
      sealed: custody.seal(key, { id }),
      createdAt: now,
      activeFrom,
      expiresAt: null,
    });
    const event = {
      action: "discharge_key.created",
      actor: { kind: "service" },
      platform: null,
      details: { key_id: id, active_from: activeFrom },
    } as const;
    await repositories.audit.append([auditEvent(randomness, now, event)]);
  }

  return () =>
    store.transaction("renew discharge key", async (repositories) => {
      // The row of the service's own platform makes replicas take turns.
      if ((await repositories.platforms.lock(SERVICE_PLATFORM)) === undefined) return;
      const now = await repositories.now();
      const [newest] = await repositories.dischargeKeys.usable(now);
      if (newest === undefined) return create(repositories, now, now);
      const age = options.opens(newest.id) ? ROOT_KEY_AGE : UNOPENED_AGE;
      if (newest.createdAt + age > now) return;
      const activeFrom = takesOverAt(now, stalenessMilliseconds);
      await create(repositories, now, activeFrom);
      await repositories.dischargeKeys.retire(newest.id, expiresAfter(activeFrom));
    });
}

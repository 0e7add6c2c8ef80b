import { auditEvent } from "../audit.ts";
import { newShortId } from "../parts/short-id.ts";
import type { AuditAction } from "../ports/audit.ts";
import type { KeyPairStore, StoredKeyPair } from "../ports/keys/key-pairs.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import type { Custody } from "./custody.ts";

/** The facts that a sealed key is tied to. */
export type KeyPairTies = Pick<StoredKeyPair, "id">;

const KEY_BYTES = 32;

/**
 * Milliseconds after which a key that does not open here is replaced. Not sooner: two replicas with different master
 * keys replace each other's, and every discharge key is tried on every ticket for three months.
 */
const UNOPENED_AGE = 24 * 3_600_000;

/**
 * Makes the renewal of key pairs of one kind.
 *
 * @param purpose the kind of key
 * @param publicHalf of a private key
 * @param age milliseconds after which the newest key is replaced
 * @param opens whether a key opens under this replica's master key
 * @param takesOver when a key that is made now is the one in use, if another one is
 * @param expires when a key expires that another one takes over from
 * @param created the audit event of a new key
 * @returns makes the first key, or the next key once the newest is of age
 */
export function createKeyPairRenewal(options: {
  readonly purpose: string;
  readonly keysOf: (repositories: Pick<Repositories, "dischargeKeys" | "verdictKeys">) => KeyPairStore;
  readonly publicHalf: (privateKey: Uint8Array) => Uint8Array;
  readonly age: number;
  readonly opens: (keyId: string) => boolean;
  readonly takesOver: (now: number) => number;
  readonly expires: (takenOverAt: number) => number;
  readonly created: AuditAction;
  readonly store: Store;
  readonly custody: Pick<Custody<KeyPairTies>, "seal">;
  readonly randomness: Randomness;
}): () => Promise<void> {
  const { keysOf, store, custody, randomness } = options;

  async function create(repositories: Repositories, now: number, activeFrom: number): Promise<void> {
    const id = newShortId(randomness);
    const key = randomness.bytes(KEY_BYTES);
    await keysOf(repositories).insert({
      id,
      publicKey: options.publicHalf(key),
      sealed: custody.seal(key, { id }),
      createdAt: now,
      activeFrom,
      expiresAt: null,
    });
    const event = {
      action: options.created,
      actor: { kind: "service" },
      platform: null,
      details: { key_id: id, active_from: activeFrom },
    } as const;
    await repositories.audit.append([auditEvent(randomness, now, event)]);
  }

  return () =>
    store.transaction(`renew ${options.purpose}`, async (repositories) => {
      // The row of the service's own platform makes replicas take turns.
      if ((await repositories.platforms.lock(SERVICE_PLATFORM)) === undefined) return;
      const now = await repositories.now();
      const [newest] = await keysOf(repositories).usable(now);
      if (newest === undefined) return create(repositories, now, now);
      const age = options.opens(newest.id) ? options.age : UNOPENED_AGE;
      if (newest.createdAt + age > now) return;
      const activeFrom = options.takesOver(now);
      await create(repositories, now, activeFrom);
      await keysOf(repositories).retire(newest.id, options.expires(activeFrom));
    });
}

import { auditEvent } from "../audit.ts";
import type { AuditAction } from "../ports/audit.ts";
import type { Randomness } from "../ports/randomness.ts";
import type { Repositories, Store } from "../ports/store.ts";
import { type Sealing, SealingError } from "./sealing.ts";
import { Secret } from "./secret.ts";

/** A key's id, with all else that its sealed form is tied to. */
interface Ties {
  readonly id: string;
}

/** A key as it rests in the store: sealed under the master key. */
type Sealed<T extends Ties> = T & { readonly sealed: Uint8Array };

/** The parts of a store of keys that do not depend on the kind of key. */
interface KeyStore<T extends Ties> {
  usable(now: number): Promise<readonly Sealed<T>[]>;
  reseal(id: string, sealed: Uint8Array): Promise<void>;
  destroyExpired(now: number): Promise<readonly string[]>;
}

/** Keys of one kind at rest. */
export interface Custody<T extends Ties> {
  /** The sealed form of a fresh key. */
  seal(key: Uint8Array, ties: T): Uint8Array;
  /** @throws SealingError for a key that does not open under this replica's master key */
  open(stored: Sealed<T>): Secret;
  /**
   * Seals anew the keys that an earlier master key sealed.
   *
   * @throws SealingError at the end, for a key that does not open: all others are sealed anew by then. An operator
   *   must hear of it before they drop the previous master key
   */
  reseal(): Promise<void>;
  /** Destroys the expired keys, with their audit events. */
  destroyExpired(): Promise<void>;
  /** Destroys the expired keys, seals anew, and then does `work`. @throws SealingError at the end, as {@link reseal} does */
  maintain(work: () => Promise<void>): Promise<void>;
}

/**
 * @param purpose the kind of key: a key that is sealed as one kind does not open as another
 * @param keysOf finds the keys of this kind
 * @param tiesOf the texts, in their order, that the sealed form is tied to
 * @param destroyed the audit event of a destroyed key
 */
export function createCustody<T extends Ties>(options: {
  readonly purpose: string;
  readonly keysOf: (
    repositories: Pick<Repositories, "rootKeys" | "dischargeKeys" | "verdictKeys">,
  ) => KeyStore<T>;
  readonly tiesOf: (ties: T) => readonly string[];
  readonly destroyed: AuditAction;
  readonly store: Store;
  readonly sealing: Sealing;
  readonly randomness: Randomness;
}): Custody<T> {
  const { purpose, keysOf, tiesOf, store, sealing, randomness } = options;

  function seal(key: Uint8Array, ties: T): Uint8Array {
    return sealing.seal(key, purpose, ...tiesOf(ties));
  }

  function opened(stored: Sealed<T>): Uint8Array {
    return sealing.open(stored.sealed, purpose, ...tiesOf(stored));
  }

  /** @returns the last key's that does not open */
  async function resealAll(): Promise<SealingError | undefined> {
    let problem: SealingError | undefined;
    for (const stored of await keysOf(store).usable(await store.now())) {
      if (sealing.isCurrent(stored.sealed)) continue;
      try {
        await keysOf(store).reseal(stored.id, seal(opened(stored), stored));
      } catch (error) {
        if (!(error instanceof SealingError)) throw error;
        problem = error;
      }
    }
    return problem;
  }

  async function destroyExpired(): Promise<void> {
    await store.transaction(`destroy expired ${purpose}s`, async (repositories) => {
      const now = await repositories.now();
      const event = { action: options.destroyed, actor: { kind: "service" }, platform: null } as const;
      const events = (await keysOf(repositories).destroyExpired(now)).map((id) =>
        auditEvent(randomness, now, { ...event, details: { key_id: id } }),
      );
      if (events.length > 0) await repositories.audit.append(events);
    });
  }

  return {
    seal,
    open: (stored) => new Secret(opened(stored)),
    destroyExpired,

    async reseal() {
      const problem = await resealAll();
      if (problem !== undefined) throw problem;
    },

    async maintain(work) {
      await destroyExpired();
      const problem = await resealAll();
      await work();
      if (problem !== undefined) throw problem;
    },
  };
}

import { DomainError } from "../parts/error.ts";
import { SealingError } from "./sealing.ts";
import type { Secret } from "./secret.ts";

/** A key as the store hands it over. */
interface StoredKey {
  readonly id: string;
  readonly sealed: Uint8Array;
}

/** A key that is on record and does not open under this replica's master key. */
export type ShutKey<Stored extends StoredKey> = Omit<Stored, "sealed">;

/** A key that is ready for use. */
export type OpenKey<Stored extends StoredKey> = ShutKey<Stored> & { readonly key: Secret };

/** All keys of one kind that this replica knows. */
export interface Keyring<Stored extends StoredKey> {
  /** The keys that are ready for use, by id, in the order in which they were put. */
  readonly open: ReadonlyMap<string, OpenKey<Stored>>;
  /** The keys that do not open, by id. Nobody can say here whether a token under such a key is good. */
  readonly shut: ReadonlyMap<string, ShutKey<Stored>>;
  /** Puts a key into the ring. A key that was opened once stays open, even if its row is damaged later. */
  put(stored: Stored): void;
  remove(id: string): void;
  /**
   * Puts these keys into the ring, in the place of all others.
   *
   * @param needsOne whether to throw and change nothing if there are keys and none opens: then the master key is
   *   another one
   * @param keeps which of the other open keys stay
   * @throws SealingError
   */
  replace(
    all: readonly Stored[],
    options?: {
      readonly needsOne?: boolean;
      readonly keeps?: (key: OpenKey<Stored>) => boolean;
    },
  ): void;
}

interface Contents<Stored extends StoredKey> {
  readonly open: Map<string, OpenKey<Stored>>;
  readonly shut: Map<string, ShutKey<Stored>>;
}

/** The refusal to answer for a key that does not open. @param kind with its article: `the root key` */
export function doesNotOpen(kind: string): DomainError {
  return new DomainError("unavailable", `${kind} does not open under this replica's master key`);
}

/**
 * @param onUnopened told once of each key that does not open
 * @param onGone told of each open key that leaves the ring
 */
export function createKeyring<Stored extends StoredKey>(options: {
  readonly unseal: (stored: Stored) => Secret;
  readonly onUnopened: (keyId: string, error: SealingError) => void;
  readonly onGone?: (keyId: string) => void;
}): Keyring<Stored> {
  let known: Contents<Stored> = { open: new Map(), shut: new Map() };

  /** @returns the reason for which the key does not open; undefined for a key that opens */
  function place(into: Contents<Stored>, stored: Stored): SealingError | undefined {
    const { sealed: _, ...facts } = stored;
    try {
      const key = known.open.get(stored.id)?.key ?? options.unseal(stored);
      into.open.set(stored.id, { ...facts, key });
      into.shut.delete(stored.id);
      return undefined;
    } catch (error) {
      if (!(error instanceof SealingError)) throw error;
      into.shut.set(stored.id, facts);
      return error;
    }
  }

  return {
    get open() {
      return known.open;
    },
    get shut() {
      return known.shut;
    },

    put(stored) {
      const isNews = !known.shut.has(stored.id);
      const problem = place(known, stored);
      if (problem !== undefined && isNews) options.onUnopened(stored.id, problem);
    },

    remove(id) {
      if (known.open.delete(id)) options.onGone?.(id);
    },

    replace(all, { needsOne = false, keeps = () => false } = {}) {
      const next: Contents<Stored> = { open: new Map(), shut: new Map() };
      const problems = new Map<string, SealingError>();
      for (const stored of all) {
        const problem = place(next, stored);
        if (problem !== undefined) problems.set(stored.id, problem);
      }
      const [first] = problems.values();
      if (needsOne && first !== undefined && next.open.size === 0) throw first;
      for (const [id, problem] of problems) if (!known.shut.has(id)) options.onUnopened(id, problem);
      for (const [id, key] of known.open) if (!next.open.has(id) && keeps(key)) next.open.set(id, key);
      const before = known;
      known = next;
      for (const id of before.open.keys()) if (!known.open.has(id)) options.onGone?.(id);
    },
  };
}

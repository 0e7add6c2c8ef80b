import { AUDIT_KEY_PURPOSE, AUDIT_KEY_TIE } from "../audit/audit-key.ts";
import { requestPurpose } from "../discharge/requests.ts";
import { KEPT_ANSWER_PURPOSE } from "../issue/idempotency.ts";
import { DISCHARGE_KEY_PURPOSE } from "../keys/discharge-keys.ts";
import { ROOT_KEY_PURPOSE } from "../keys/root-keys.ts";
import { type Sealing, SealingError } from "../keys/sealing.ts";
import { VERDICT_KEY_PURPOSE } from "../keys/verdict-keys.ts";

/** The tables with values that rest sealed under the master key. */
export const SEALED_TABLES = [
  "root_keys",
  "discharge_keys",
  "verdict_keys",
  "audit_key",
  "discharge_requests",
  "idempotency",
] as const;
export type SealedTable = (typeof SEALED_TABLES)[number];

/** A value that rests sealed. */
export interface SealedValue {
  /** The row's key, as the value is tied to it. */
  readonly key: string;
  /** The platform of a root key; null of anything else. */
  readonly platform: string | null;
  /** Of a request for a discharge, whether its asker wants caveats appended. */
  readonly hasCaveats: boolean;
  readonly sealed: Uint8Array;
}

/** Rows in the order of their keys. */
export interface SealedPage {
  /** The number of rows that were looked at. */
  readonly seen: number;
  /** The last row's key, to go on after; undefined once all have been looked at. */
  readonly next: string | undefined;
  /** The sealed values among them that are not under the asked key. */
  readonly others: readonly SealedValue[];
}

/** All that rests sealed, of every kind. */
export interface SealedValues {
  /** Roughly how many rows a table has. */
  estimate(table: SealedTable): Promise<number>;
  /**
   * Looks at the rows behind one, a bounded number of them.
   *
   * @param keyId the id of a master key: values that it sealed are left out
   * @param after a key; undefined for the beginning
   */
  page(table: SealedTable, keyId: Uint8Array, after: string | undefined): Promise<SealedPage>;
  /** Puts values in the place of those that were read, where they still stand. @returns the number of them */
  replace(
    table: SealedTable,
    changes: readonly { readonly key: string; readonly before: Uint8Array; readonly after: Uint8Array }[],
  ): Promise<number>;
}

/** How far the sealing anew has come, in one table. */
export interface RewrapProgress {
  readonly table: SealedTable;
  readonly seen: number;
  /** Roughly. */
  readonly of: number;
  /** In all tables so far. */
  readonly resealed: number;
}

/** The outcome. */
export interface Rewrapped {
  /** Values that are sealed under the present key now and were not before. */
  readonly resealed: number;
  /** Values that open under neither key, by table. */
  readonly unopened: ReadonlyMap<SealedTable, number>;
  /** Whether values came along under another key all the time: some replica still seals under it. */
  readonly isOutrun: boolean;
}

/** Rounds over all tables: the second one finds what a replica has sealed under the other key during the first. */
const MOST_ROUNDS = 3;

/** Opens a value by the tie that its maker gave it. */
function open(sealing: Sealing, table: SealedTable, value: SealedValue): Uint8Array {
  return sealing.open(value.sealed, ...tiesOf(table, value));
}

function tiesOf(table: SealedTable, { key, platform, hasCaveats }: SealedValue): [string, ...string[]] {
  switch (table) {
    case "root_keys":
      return [ROOT_KEY_PURPOSE, key, platform ?? ""];
    case "discharge_keys":
      return [DISCHARGE_KEY_PURPOSE, key];
    case "verdict_keys":
      return [VERDICT_KEY_PURPOSE, key];
    case "audit_key":
      return [AUDIT_KEY_PURPOSE, AUDIT_KEY_TIE];
    case "discharge_requests":
      return [requestPurpose(hasCaveats), key];
    case "idempotency":
      return [KEPT_ANSWER_PURPOSE, key];
    default:
      return table satisfies never;
  }
}

/** Whether a value opens here. */
export function opens(sealing: Sealing, table: SealedTable, value: SealedValue): boolean {
  try {
    open(sealing, table, value);
    return true;
  } catch (error) {
    if (error instanceof SealingError) return false;
    throw error;
  }
}

/**
 * Seals under the present master key all that another one has sealed, while replicas serve. Each batch is committed by
 * itself, and what is done is not looked at again: ended in between, it goes on where it was.
 *
 * A value that a replica changes meanwhile is left as the replica wrote it, and looked at in the next round.
 *
 * @param onProgress told after each batch
 */
export async function rewrap(options: {
  readonly values: SealedValues;
  readonly sealing: Sealing;
  readonly onProgress?: (progress: RewrapProgress) => void;
}): Promise<Rewrapped> {
  const { values, sealing, onProgress = () => undefined } = options;
  let resealed = 0;

  /** @returns the number of values that do not open, and of those that were to be sealed anew */
  async function round(table: SealedTable, of: number): Promise<{ unopened: number; found: number }> {
    let [seen, unopened, found] = [0, 0, 0];
    let after: string | undefined;
    do {
      const page = await values.page(table, sealing.keyId, after);
      const changes = page.others.flatMap((value) => {
        if (!opens(sealing, table, value)) return [];
        const plain = open(sealing, table, value);
        const sealed = sealing.seal(plain, ...tiesOf(table, value));
        plain.fill(0);
        return [{ key: value.key, before: value.sealed, after: sealed }];
      });
      if (changes.length > 0) resealed += await values.replace(table, changes);
      seen += page.seen;
      found += changes.length;
      unopened += page.others.length - changes.length;
      after = page.next;
      onProgress({ table, seen, of: Math.max(of, seen), resealed });
    } while (after !== undefined);
    return { unopened, found };
  }

  for (let left = MOST_ROUNDS; ; left--) {
    const unopened = new Map<SealedTable, number>();
    let found = 0;
    for (const table of SEALED_TABLES) {
      const done = await round(table, await values.estimate(table));
      found += done.found;
      if (done.unopened > 0) unopened.set(table, done.unopened);
    }
    if (found === 0 || left === 1) return { resealed, unopened, isOutrun: found > 0 };
  }
}

import type { Config } from "../config.ts";
import { printSequence } from "../domain/parts/sequence.ts";
import { takeWhole } from "../domain/revoke/move-log.ts";
import { type Fenced, fenceRestored } from "../domain/revoke/restore-fence.ts";
import { openConfiguredStore } from "./configured-store.ts";
import { systemRandomness } from "./system.ts";

/**
 * Fences a restored database and does nothing else.
 *
 * @param issuedBefore unix milliseconds; everything until now if it is undefined
 */
export async function restoreFenceOnly(config: Config, issuedBefore: number | undefined): Promise<Fenced> {
  const store = await openConfiguredStore(config);
  try {
    return await fenceRestored({ store, randomness: systemRandomness }, issuedBefore);
  } finally {
    await store.close();
  }
}

/**
 * Takes the database for whole, because it holds the greatest sequence that any client was given, and does nothing else.
 *
 * @returns the position of the log
 */
export async function takeWholeOnly(config: Config, sequence: string): Promise<string> {
  const store = await openConfiguredStore(config);
  try {
    return printSequence(await takeWhole({ store, randomness: systemRandomness }, sequence));
  } finally {
    await store.close();
  }
}

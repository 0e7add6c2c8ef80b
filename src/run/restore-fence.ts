import type { Config } from "../config.ts";
import { type Fenced, fenceRestored } from "../domain/revoke/restore-fence.ts";
import { openConfiguredStore } from "./configured-store.ts";
import { systemRandomness } from "./system.ts";

/**
 * Fences a restored database and does nothing else.
 *
 * @param issuedBefore unix milliseconds; everything until now where it is undefined
 */
export async function restoreFenceOnly(config: Config, issuedBefore: number | undefined): Promise<Fenced> {
  const store = await openConfiguredStore(config);
  try {
    return await fenceRestored({ store, randomness: systemRandomness }, issuedBefore);
  } finally {
    await store.close();
  }
}

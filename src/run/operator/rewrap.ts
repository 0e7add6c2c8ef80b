import type { Config } from "../../config.ts";
import { createSealing, type Sealing } from "../../domain/keys/sealing.ts";
import { type RewrapProgress, type Rewrapped, rewrap } from "../../domain/upkeep/rewrap.ts";
import { openConfiguredStore } from "../configured-store.ts";
import { keptMasterKey } from "../data-dir.ts";
import { systemRandomness } from "../system.ts";

/** Seals and opens as the settings say; undefined if there is no master key yet, which a first start makes. */
export async function configuredSealing(config: Config): Promise<Sealing | undefined> {
  const masterKey = config.masterKey ?? (await keptMasterKey(config.dataDir));
  if (masterKey === undefined) return undefined;
  return createSealing({ masterKey, previous: config.previousMasterKey, randomness: systemRandomness });
}

/**
 * Seals under the present master key what the previous one has sealed, and does nothing else.
 *
 * @returns undefined if there is no master key yet, and so nothing that is sealed
 */
export async function rewrapOnly(
  config: Config,
  onProgress: (progress: RewrapProgress) => void,
): Promise<Rewrapped | undefined> {
  const sealing = await configuredSealing(config);
  if (sealing === undefined) return undefined;
  const store = await openConfiguredStore(config);
  try {
    return await rewrap({ values: store.sealedValues, sealing, onProgress });
  } finally {
    await store.close();
  }
}

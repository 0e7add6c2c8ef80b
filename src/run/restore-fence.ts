import { join } from "node:path";

import type { Config } from "../config.ts";
import { type Fenced, fenceRestored } from "../domain/revoke/restore-fence.ts";
import { openStore } from "../storage/open.ts";
import { prepareDataDir } from "./data-dir.ts";
import { systemRandomness } from "./system.ts";

/**
 * Fences a restored database and does nothing else.
 *
 * @param issuedBefore unix milliseconds; everything until now where it is undefined
 */
export async function restoreFenceOnly(config: Config, issuedBefore: number | undefined): Promise<Fenced> {
  const { databaseUrl, dataDir } = config;
  if (databaseUrl === undefined) prepareDataDir(dataDir);
  const store = await openStore({
    place:
      databaseUrl === undefined
        ? { kind: "folder", folder: join(dataDir, "database") }
        : { kind: "server", url: databaseUrl },
  });
  try {
    return await fenceRestored({ store, randomness: systemRandomness }, issuedBefore);
  } finally {
    await store.close();
  }
}

import { join } from "node:path";

import type { Config } from "../config.ts";
import { openStore } from "../storage/open.ts";
import { prepareDataDir } from "./data-dir.ts";

/** Brings the database's schema up to date and does nothing else. */
export async function migrateOnly(config: Config): Promise<void> {
  const { databaseUrl, dataDir } = config;
  if (databaseUrl === undefined) prepareDataDir(dataDir);
  const place =
    databaseUrl === undefined
      ? ({ kind: "folder", folder: join(dataDir, "database") } as const)
      : ({ kind: "server", url: databaseUrl } as const);
  const store = await openStore({ place });
  await store.close();
}

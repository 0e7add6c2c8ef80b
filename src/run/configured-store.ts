import { join } from "node:path";

import type { Config } from "../config.ts";
import type { Store } from "../domain/ports/store.ts";
import { type OpenStoreOptions, openStore } from "../storage/open.ts";
import { prepareDataDir } from "./data-dir.ts";
import { VERSION } from "./package.ts";

/** Opens the database that the configuration names, as this version of the program, and brings its schema up to date. */
export function openConfiguredStore(
  config: Pick<Config, "databaseUrl" | "databaseDirectUrl" | "databasePool" | "dataDir">,
  options: Pick<OpenStoreOptions, "shiftDatabaseClock" | "report"> = {},
): Promise<Store> {
  const { databaseUrl, databaseDirectUrl, databasePool, dataDir } = config;
  if (databaseUrl === undefined) prepareDataDir(dataDir);
  return openStore({
    place:
      databaseUrl === undefined
        ? { kind: "folder", folder: join(dataDir, "database") }
        : { kind: "server", url: databaseUrl, direct: databaseDirectUrl },
    connections: databasePool,
    version: VERSION,
    ...options,
  });
}

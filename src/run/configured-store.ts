import { join } from "node:path";

import type { Config } from "../config.ts";
import type { Store } from "../domain/ports/store.ts";
import { type OpenStoreOptions, openStore } from "../storage/open.ts";
import { VERSION } from "./package.ts";
import { prepareDataDir } from "./volume.ts";

/**
 * Opens the database that the configuration names, as this version of the program, and brings its schema up to date.
 *
 * @param warn told of a data folder that is not as one would want it
 */
export function openConfiguredStore(
  config: Pick<Config, "databaseUrl" | "databaseDirectUrl" | "databasePool" | "dataDir">,
  options: Pick<OpenStoreOptions, "shiftDatabaseClock" | "report"> = {},
  warn: (text: string) => void = () => {},
): Promise<Store> {
  const { databaseUrl, databaseDirectUrl, databasePool, dataDir } = config;
  if (databaseUrl === undefined) prepareDataDir(dataDir, warn);
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

import { join } from "node:path";

import type { Logger } from "pino";

import type { Config } from "../config.ts";
import { type OpenedStore, type OpenStoreOptions, openStore } from "../storage/open.ts";
import { createLogger, storageReport } from "./log.ts";
import { VERSION } from "./package.ts";
import { prepareDataDir } from "./volume.ts";

/**
 * Opens the database that the configuration names, as this version of the program, and brings its schema up to date.
 *
 * @param options `migrate: false` leaves the schema as it is
 * @param log told of statements that fail, and of a data folder that is not as one would want it
 */
export function openConfiguredStore(
  config: Pick<Config, "databaseUrl" | "databaseDirectUrl" | "databasePool" | "dataDir" | "logLevel">,
  options: Pick<OpenStoreOptions, "shiftDatabaseClock" | "migrate" | "report" | "observe"> = {},
  log: Logger = createLogger(config.logLevel),
): Promise<OpenedStore> {
  const { databaseUrl, databaseDirectUrl, databasePool, dataDir } = config;
  if (databaseUrl === undefined) prepareDataDir(dataDir, folderWarning(log));
  return openStore({
    place:
      databaseUrl === undefined
        ? { kind: "folder", folder: join(dataDir, "database") }
        : { kind: "server", url: databaseUrl, direct: databaseDirectUrl },
    connections: databasePool,
    version: VERSION,
    report: storageReport(log),
    ...options,
  });
}

/** Writes what is to be said of the data folder. */
export function folderWarning(log: Logger): (detail: string) => void {
  return (detail) => log.warn({ event: "data folder", detail });
}

import { join } from "node:path";

import { ConfigError } from "../config/environment.ts";
import type { Config } from "../config.ts";
import { DomainError } from "../domain/parts/error.ts";
import { ConnectError, StorageError } from "../storage/engine/error.ts";
import { explainSystem } from "./system-failure.ts";

/** A command of the service ended without having done its work, and everything about it is said. */
export class StartFailure extends Error {
  override readonly name = "StartFailure";
  /** For people, each a fault of its own: the finding, the place, a code, the cure; never anything secret. */
  readonly lines: readonly string[];
  /** The process's exit code. */
  readonly exit: number;

  constructor(lines: readonly string[], exit: number) {
    super(lines.join("\n"));
    this.lines = lines;
    this.exit = exit;
  }
}

/** The command line is wrong. The message is for people. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const FAILED = 1;
const USAGE = 2;

/**
 * Errors with messages for people: one line with the finding, the place and the cure. They are known by name, because their
 * files are large, or load what not every command needs.
 */
const TOLD: ReadonlySet<string> = new Set([
  "DataDirError",
  "DataFileError",
  "FolderLockedError",
  "MetricsAddressError",
  "MigrationError",
  "PackageError",
  "SigningKeysError",
]);

/**
 * Says why a command of the service did not do its work. A message of unknown origin may hold anything, so it is not
 * repeated.
 *
 * @param config the settings, if they were read: they say which database it was
 */
export async function explainFailure(error: unknown, config?: Config): Promise<StartFailure> {
  if (error instanceof StartFailure) return error;
  if (error instanceof ConfigError) {
    const warnings = error.warnings.map((warning) => `warning: ${warning}`);
    return new StartFailure([...error.problems, ...warnings], USAGE);
  }
  if (error instanceof UsageError) return new StartFailure([error.message], USAGE);
  if (error instanceof StorageError || error instanceof DomainError) {
    return new StartFailure([await explainStorage(error, config)], FAILED);
  }
  if (!(error instanceof Error)) return new StartFailure(["failed"], FAILED);
  if (error instanceof ConnectError || TOLD.has(error.name)) {
    return new StartFailure([error.message], FAILED);
  }
  if (error.name === "LogRefusedError") {
    return new StartFailure([`${await databaseOf(config)}${error.message}`], FAILED);
  }
  if (error.name === "SealingError") return new StartFailure([await explainSealing(error, config)], FAILED);
  return new StartFailure([explainModule(error) ?? explainSystem(error) ?? explainUnknown(error)], FAILED);
}

/** The place of the database, or its folder. */
async function placeOf({ databaseUrl, dataDir }: Config): Promise<string> {
  if (databaseUrl === undefined) return join(dataDir, "database");
  // Loaded by then, as a rule: it was the database that failed.
  const { placesOf } = await import("../storage/server/refusal.ts");
  return placesOf(databaseUrl);
}

async function explainStorage(
  error: StorageError | DomainError,
  config: Config | undefined,
): Promise<string> {
  if (config === undefined) return error.message;
  const place = await placeOf(config);
  if (error instanceof DomainError) {
    // What names a database has a place already. Callers of a service that runs are told less.
    if (error.code !== "unavailable" || error.message.startsWith("database ")) return error.message;
    return `database ${place}: ${error.message}: see its log, and the failed statement in ours`;
  }
  const { explainStatement } = await import("../storage/start-failure.ts");
  return explainStatement(error, place).message;
}

async function explainSealing({ message }: Error, config: Config | undefined): Promise<string> {
  const made =
    config?.masterKey === undefined && config?.databaseUrl === undefined
      ? "restore the file master.key beside it"
      : "set MASTER_KEY or MASTER_KEY_PREVIOUS to the one that they were made with";
  return `${await databaseOf(config)}its keys do not open (${message}): ${made}`;
}

async function databaseOf(config: Config | undefined): Promise<string> {
  return config === undefined ? "" : `database ${await placeOf(config)}: `;
}

/** A file of the program or of a package is missing. */
function explainModule(error: Error): string | undefined {
  const code = codeOf(error);
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return undefined;
  const [, name] = /^Cannot find (?:module|package) '([^'\n]{1,300})'/.exec(error.message) ?? [];
  return `this package is not whole, ${name ?? "a module"} is missing (${code}): install it anew, or \`npm ci && npm run build\` in a checkout`;
}

/** A fault of the program itself. Its message may hold anything; its class and its place in our files hold nothing else. */
function explainUnknown(error: Error): string {
  const name = /^\w{1,60}$/.test(error.name) ? error.name : "Error";
  const code = codeOf(error);
  const frames = (error.stack ?? "").replace(error.message, "");
  const [, place] = /\n\s+at [^\n]*?([\w.-]{1,80}\.[mc]?[jt]s:\d+:\d+)\)?(?:\n|$)/.exec(frames) ?? [];
  return `unexpected ${name}${code === "" ? "" : ` (${code})`}${place === undefined ? "" : ` at ${place}`}: this is a fault of bakehouse itself`;
}

function codeOf(error: Error): string {
  const code: unknown = Reflect.get(error, "code");
  return typeof code === "string" && /^[A-Z0-9_]{2,60}$/.test(code) ? code : "";
}

import type { Secret } from "../domain/keys/secret.ts";
import { LEAST_RETENTION, RETENTION } from "../domain/parts/lifetimes.ts";
import type { FailoverSettings } from "../domain/replica/log-problem.ts";
import { parseDatabaseUrl } from "../storage/url/parse.ts";
import { DatabaseUrlError } from "../storage/url/split.ts";
import { type Environment, Invalid, type Reader } from "./environment.ts";
import { outputOf, parseCommand } from "./key-command.ts";
import { parseDays, parseSecretKey } from "./values.ts";

const MOST_CONNECTIONS = 1_000;

/** The database, and the keys that seal its secrets. */
export interface DatabaseConfig {
  /** Undefined for the embedded database. */
  readonly databaseUrl: string | undefined;
  /** The server itself, for migrations and notifications, if `databaseUrl` is a pooler's; undefined for the same. */
  readonly databaseDirectUrl: string | undefined;
  /** The largest number of connections to the database. */
  readonly databasePool: number;
  /** Undefined with the embedded database: then it is made once and kept under `dataDir`. */
  readonly masterKey: Secret | undefined;
  readonly previousMasterKey: Secret | undefined;
  readonly failover: FailoverSettings;
  /** How long records of tokens and audit events are kept, milliseconds. */
  readonly retention: number;
}

function parseFailover(text: string): "synchronous" {
  if (text === "synchronous") return text;
  throw new Invalid(
    "must be synchronous, or unset: it says that only a synchronous standby is ever promoted",
  );
}

function parseRestoreFence(text: string): FailoverSettings["restoreFence"] {
  if (text === "refuse" || text === "auto") return text;
  throw new Invalid("must be refuse or auto");
}

function parseRetention(text: string): number {
  const retention = parseDays(text);
  if (retention >= LEAST_RETENTION) return retention;
  throw new Invalid(`must be ${LEAST_RETENTION / 86_400_000}d or more, because tokens can live for 90 days`);
}

/** Checked here, so that all that is wrong with the settings is said at once; the store reads it again. */
function parseUrl(text: string): string {
  try {
    parseDatabaseUrl(text);
  } catch (error) {
    throw error instanceof DatabaseUrlError ? new Invalid(error.message) : error;
  }
  return text;
}

function parsePool(text: string): number {
  const size = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > MOST_CONNECTIONS)
    throw new Invalid(`must be a number from 1 to ${MOST_CONNECTIONS}`);
  return size;
}

/** A key that a command prints. */
function keyOf(command: string, environment: Environment): Secret {
  const text = outputOf(parseCommand(command), environment);
  try {
    return parseSecretKey(text);
  } catch (error) {
    throw error instanceof Invalid ? new Invalid(`what it prints ${error.message}`) : error;
  }
}

function readMasterKey({ isSet, read, problem }: Reader, environment: Environment): Secret | undefined {
  if (!isSet("MASTER_KEY_COMMAND")) {
    if (isSet("DATABASE_URL") && !isSet("MASTER_KEY"))
      problem("MASTER_KEY: is needed with a DATABASE_URL (or MASTER_KEY_FILE, or MASTER_KEY_COMMAND)");
    return read("MASTER_KEY", parseSecretKey);
  }
  if (!isSet("MASTER_KEY")) return read("MASTER_KEY_COMMAND", (command) => keyOf(command, environment));
  problem("MASTER_KEY_COMMAND: set it, MASTER_KEY or MASTER_KEY_FILE, and only one of them");
  return undefined;
}

/** Reads all that concerns the database. @param environment what a command that prints the master key is given */
export function readDatabase(reader: Reader, environment: Environment): DatabaseConfig {
  const { isSet, read, problem } = reader;
  const databaseUrl = read("DATABASE_URL", parseUrl);
  const databaseDirectUrl = read("DATABASE_DIRECT_URL", parseUrl);
  const databasePool = read("DATABASE_POOL", parsePool) ?? 10;
  for (const name of ["DATABASE_DIRECT_URL", "DATABASE_POOL"] as const) {
    if (isSet(name) && !isSet("DATABASE_URL")) problem(`${name}: goes with a DATABASE_URL only`);
  }
  return {
    databaseUrl,
    databaseDirectUrl,
    databasePool,
    masterKey: readMasterKey(reader, environment),
    previousMasterKey: read("MASTER_KEY_PREVIOUS", parseSecretKey),
    failover: {
      failover: read("FAILOVER", parseFailover),
      restoreFence: read("RESTORE_FENCE", parseRestoreFence) ?? "refuse",
    },
    retention: read("RETENTION", parseRetention) ?? RETENTION,
  };
}

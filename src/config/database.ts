import type { Secret } from "../domain/keys/secret.ts";
import type { Reader } from "./environment.ts";
import { parseSecretKey, parseUrl } from "./values.ts";

/** Which database, and the keys that seal what lies in it. */
export interface DatabaseConfig {
  /** Undefined for the embedded database. */
  readonly databaseUrl: string | undefined;
  /** Undefined with the embedded database: then it is made once and kept under `dataDir`. */
  readonly masterKey: Secret | undefined;
  readonly previousMasterKey: Secret | undefined;
}

function parseDatabaseUrl(text: string): string {
  parseUrl(text, ["postgres:", "postgresql:"]);
  return text;
}

function readMasterKey({ text, read, readFile, problem }: Reader): Secret | undefined {
  if (text("MASTER_KEY") !== undefined && text("MASTER_KEY_FILE") !== undefined) {
    problem("MASTER_KEY: set it or MASTER_KEY_FILE, not both");
    return undefined;
  }
  return (
    read("MASTER_KEY", parseSecretKey) ?? read("MASTER_KEY_FILE", (path) => parseSecretKey(readFile(path)))
  );
}

/** Reads all that concerns the database. */
export function readDatabase(reader: Reader): DatabaseConfig {
  const { text, read, problem } = reader;
  const databaseUrl = read("DATABASE_URL", parseDatabaseUrl);
  const masterKey = readMasterKey(reader);
  const namesMasterKey = text("MASTER_KEY") !== undefined || text("MASTER_KEY_FILE") !== undefined;
  if (text("DATABASE_URL") !== undefined && !namesMasterKey)
    problem("MASTER_KEY: is needed with a DATABASE_URL (or MASTER_KEY_FILE)");
  return { databaseUrl, masterKey, previousMasterKey: read("MASTER_KEY_PREVIOUS", parseSecretKey) };
}

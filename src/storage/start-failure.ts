import { DomainError } from "../domain/parts/error.ts";
import { ConnectError, StorageError } from "./engine/error.ts";
import { LOCK_TABLES } from "./migrate/lock-tables.ts";
import { MigrationError } from "./migrate/migrations.ts";

interface Entry {
  readonly text: string;
  /** Whether it may pass without anybody changing a setting. */
  readonly passing: boolean;
}

const lasting = (text: string): Entry => ({ text, passing: false });
const passing = (text: string): Entry => ({ text, passing: true });

const STANDBY = passing(
  "it takes no writes: name the primary's host, or take default_transaction_read_only from it",
);
const FULL = passing("it has no room left: make room on its disk");
const FOREIGN = lasting("it has something of the same name that is not ours: name another database");
const BROKEN = lasting("something of its schema is missing: restore it from a backup");
const STATES: Readonly<Record<string, Entry>> = {
  "25006": STANDBY,
  // A standby's answer to a request for a transaction that may write.
  "0A000": STANDBY,
  "42501": lasting("its role may not do that: grant it bakehouse_app, or migrate as the owner"),
  "42P06": FOREIGN,
  "42P07": FOREIGN,
  "42701": FOREIGN,
  "42710": FOREIGN,
  "42723": FOREIGN,
  "3F000": BROKEN,
  "42703": BROKEN,
  "42883": BROKEN,
  "42P01": BROKEN,
  "55P03": passing("another start has been applying migrations for a minute: wait for it"),
  "57014": passing(
    "it gave up a statement: raise statement_timeout of the role or wait until it is less busy",
  ),
  "53100": FULL,
  "53200": passing("it has no memory left: see its log"),
  "0LP01": lasting("its role may not grant rights: migrate as the owner of the database"),
};

const TABLES_IN_USE = passing(
  "another session has had its tables in use for a minute: find it in pg_locks, and end it or wait",
);

/**
 * Says why the schema could not be brought up to date: one line with the place, the fault, its SQLSTATE and the cure.
 *
 * @param place the server and the database, or the folder
 * @returns a DomainError `unavailable` if it may pass, else a MigrationError or ConnectError
 */
export function explainStart(error: unknown, place: string): unknown {
  if (error instanceof MigrationError) return new MigrationError(`database ${place}: ${error.message}`);
  return error instanceof StorageError && error.sqlstate !== undefined
    ? explainStatement(error, place)
    : error;
}

/** As {@link explainStart}, for any statement that failed. */
export function explainStatement(
  { sqlstate = "", operation }: StorageError,
  place: string,
): DomainError | ConnectError {
  const byState = Object.hasOwn(STATES, sqlstate) ? STATES[sqlstate] : undefined;
  const known = operation === LOCK_TABLES && sqlstate === "55P03" ? TABLES_IN_USE : byState;
  const { text, passing: mayPass } = known ?? {
    text: "nothing of it was kept: see the server's log",
    passing: /^(08|40|53|57|58)/.test(sqlstate),
  };
  const line = `database ${place}: ${operation} failed (${sqlstate === "" ? "without a code" : sqlstate}): ${text}`;
  return mayPass ? new DomainError("unavailable", line) : new ConnectError(line, sqlstate);
}

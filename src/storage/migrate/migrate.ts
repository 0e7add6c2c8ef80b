import { setTimeout as pause } from "node:timers/promises";

import type { Connection } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { startFault } from "../engine/guard.ts";
import { CREATE_TABLES, missing, readApplied, recordOf } from "./applied.ts";
import { lockTables } from "./lock-tables.ts";
import { type Migration, MigrationError } from "./migrations.ts";
import { step } from "./step.ts";

/** How migrators keep out of each other's way. */
export type MigrationLock =
  /** An advisory lock, if the engine has them; else as `row`. */
  | "advisory"
  /** A locked row. Creating its table is retried, because `if not exists` does not keep two from creating it at once. */
  | "row";

/** Settings of a migration run. */
export interface MigrateOptions {
  readonly migrations: readonly Migration[];
  readonly lock: MigrationLock;
  /** This program's version, which decides whether it may work on a schema that a newer one has migrated; undefined: never. */
  readonly version?: string | undefined;
}

// Any number will do, as long as nothing else in this database uses it.
const LOCK_KEY = 7_237_046_211_904;
const WAIT = "60s";

const LOCK_ROW = [
  "create table if not exists drizzle.bakehouse_migration_lock (id integer primary key)",
  "insert into drizzle.bakehouse_migration_lock (id) values (1) on conflict do nothing",
] as const;

/** The operations that are told apart when they fail. */
const ADVISORY = "migrate: lock";
const PREPARE = "migrate: prepare";
const MOST_ATTEMPTS = 20;

const SQLSTATE = {
  // No such function, or one that this engine does not offer.
  unknown: new Set(["42883", "0A000"]),
  insufficientPrivilege: "42501",
  // A process that works meanwhile locks tables in another order, where they are not all locked at once.
  deadlock: "40P01",
  // Two at once in `create … if not exists`.
  races: new Set(["23505", "42710", "42P06", "42P07", "40001", "XX000"]),
} as const;

/**
 * Brings the database's schema to the last migration. Several processes may do so at once. If nothing
 * is missing, nothing is written and no right to DDL is needed.
 *
 * Everything is done in one transaction, the lock included: behind a pooler a lock of the session would stay with
 * a connection that is somebody else's a moment later.
 *
 * @param connection one connection of its own, without a statement timeout
 * @returns the tags that were applied
 * @throws MigrationError if the database is newer than this version can work on, or a migration was changed
 *   after it was applied
 */
export async function migrate(
  connection: Connection,
  { migrations, lock, version }: MigrateOptions,
): Promise<readonly string[]> {
  if (missing(migrations, await readApplied(connection), version).length === 0) return [];
  let advisory = lock === "advisory";
  for (let attempt = 1; ; attempt += 1) {
    try {
      await connection.begin();
      await step(connection, `set local lock_timeout = '${WAIT}'`);
      if (advisory) await step(connection, "select pg_advisory_xact_lock($1)", [LOCK_KEY], ADVISORY);
      return await apply(connection, migrations, version);
    } catch (error) {
      await connection.abandon(false);
      const state = stateOf(error) ?? "";
      if (state === SQLSTATE.insufficientPrivilege)
        throw new MigrationError(
          "it lacks migrations, and its role has no right to apply them (42501): migrate as the owner",
        );
      if (isOperation(error, ADVISORY) && SQLSTATE.unknown.has(state)) advisory = false;
      else if (attempt === MOST_ATTEMPTS || !isRace(error, state)) throw error;
      else await pause(10 * attempt);
    }
  }
}

async function apply(
  connection: Connection,
  migrations: readonly Migration[],
  version: string | undefined,
): Promise<readonly string[]> {
  for (const sql of [...CREATE_TABLES, ...LOCK_ROW]) await step(connection, sql, [], PREPARE);
  await step(connection, "select id from drizzle.bakehouse_migration_lock for update");
  const todo = missing(migrations, await readApplied(connection), version);
  await lockTables(connection, todo);
  for (const migration of todo) {
    for (const sql of migration.statements) await step(connection, sql, [], `migration ${migration.tag}`);
    for (const [text, values] of recordOf(migration, migrations.indexOf(migration)))
      await step(connection, text, values);
  }
  await connection.commit();
  return todo.map(({ tag }) => tag);
}

function stateOf(error: unknown): string | undefined {
  const safe = startFault("migrate", error);
  return "sqlstate" in safe ? safe.sqlstate : undefined;
}

function isRace(error: unknown, state: string): boolean {
  return state === SQLSTATE.deadlock || (isOperation(error, PREPARE) && SQLSTATE.races.has(state));
}

function isOperation(error: unknown, operation: string): boolean {
  return error instanceof StorageError && error.operation === operation;
}

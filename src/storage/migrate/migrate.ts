import { setTimeout as pause } from "node:timers/promises";

import type { Connection } from "../engine/connection.ts";
import { failure } from "../engine/guard.ts";
import { CREATE_TABLES, missing, readApplied, recordOf } from "./applied.ts";
import { type Migration, MigrationError } from "./migrations.ts";

/** How migrators keep out of each other's way. */
export type MigrationLock =
  /** An advisory lock, where the engine has them; else as `row`. */
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

const SQLSTATE = {
  undefinedFunction: "42883",
  featureNotSupported: "0A000",
  insufficientPrivilege: "42501",
  // Two at once in `create … if not exists`.
  races: new Set(["23505", "42710", "42P06", "42P07", "40001", "XX000"]),
} as const;

/**
 * Brings the database's schema to where the migrations end. Several processes may do so at once. Where nothing
 * is missing, nothing is written and no right to DDL is needed.
 *
 * @param connection one connection of its own, without a statement timeout
 * @returns the tags that were applied
 * @throws MigrationError where the database is newer than this version can work on, or a migration was changed
 *   after it was applied
 */
export async function migrate(
  connection: Connection,
  { migrations, lock, version }: MigrateOptions,
): Promise<readonly string[]> {
  if (missing(migrations, await readApplied(connection), version).length === 0) return [];
  await step(connection, `set lock_timeout = '${WAIT}'`);
  const advisory = lock === "advisory" && (await tryAdvisory(connection));
  try {
    await createTables(connection);
    return await apply(connection, migrations, version);
  } catch (error) {
    if (stateOf(error) !== SQLSTATE.insufficientPrivilege) throw error;
    throw new MigrationError("the database lacks migrations and its role has no right to apply them");
  } finally {
    if (advisory) await step(connection, "select pg_advisory_unlock($1)", [LOCK_KEY]);
  }
}

async function apply(
  connection: Connection,
  migrations: readonly Migration[],
  version: string | undefined,
): Promise<readonly string[]> {
  await step(connection, "begin");
  try {
    await step(connection, "select id from drizzle.bakehouse_migration_lock for update");
    const todo = missing(migrations, await readApplied(connection), version);
    for (const migration of todo) {
      for (const sql of migration.statements) await step(connection, sql, [], `migration ${migration.tag}`);
      for (const [text, values] of recordOf(migration, migrations.indexOf(migration)))
        await step(connection, text, values);
    }
    await step(connection, "commit");
    return todo.map(({ tag }) => tag);
  } catch (error) {
    await connection.abandon(false);
    throw error;
  }
}

async function tryAdvisory(connection: Connection): Promise<boolean> {
  try {
    await step(connection, "select pg_advisory_lock($1)", [LOCK_KEY]);
    return true;
  } catch (error) {
    const state = stateOf(error);
    if (state === SQLSTATE.undefinedFunction || state === SQLSTATE.featureNotSupported) return false;
    throw error;
  }
}

async function createTables(connection: Connection): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      for (const sql of CREATE_TABLES) await step(connection, sql);
      await step(
        connection,
        "create table if not exists drizzle.bakehouse_migration_lock (id integer primary key)",
      );
      await step(
        connection,
        "insert into drizzle.bakehouse_migration_lock (id) values (1) on conflict do nothing",
      );
      return;
    } catch (error) {
      if (attempt === 20 || !SQLSTATE.races.has(stateOf(error) ?? "")) throw error;
      await pause(10 * attempt);
    }
  }
}

async function step(
  connection: Connection,
  text: string,
  values: readonly (string | number)[] = [],
  operation = "migrate",
): Promise<void> {
  try {
    await connection.query(text, values);
  } catch (error) {
    throw failure(operation, error).error;
  }
}

function stateOf(error: unknown): string | undefined {
  const safe = failure("migrate", error).error;
  return "sqlstate" in safe ? safe.sqlstate : undefined;
}

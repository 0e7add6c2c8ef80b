import { setTimeout as pause } from "node:timers/promises";

import type { Session } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { readInteger, readText } from "../engine/values.ts";
import type { Migration } from "./migrations.ts";
import { step } from "./step.ts";

/** The operation by which it is told that tables were in use. */
export const LOCK_TABLES = "migrate: lock tables";

/** How long the tables are tried for, milliseconds. */
const PATIENCE = 60_000;
/** Every so many tries one outlasts the server's deadlock timeout: only then does the server end an autovacuum that is in the way. */
const LONG_EVERY = 5;

const SQLSTATE = {
  // The statement took too long, or one of its locks did, or the server found a circle.
  busy: new Set(["57014", "55P03", "40P01"]),
  // An engine that has no such statement.
  unsupported: new Set(["0A000", "42601"]),
  lockNotAvailable: "55P03",
} as const;

// Of a partitioned table the parent alone: its partitions are locked with it.
const EXISTING = `
  select c.relname::text as name from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
    and c.relname = any (string_to_array($1, ','))
  order by c.relname`;

const SETTINGS = `
  select current_setting('statement_timeout') as statement_timeout,
    coalesce((select setting from pg_catalog.pg_settings where name = 'deadlock_timeout'), '1000') as deadlock_timeout`;
const GIVE_UP_AFTER = "select pg_catalog.set_config('statement_timeout', $1, true)";

/** The tables of the schema that migrations name, in whatever role, sorted. */
export function tablesOf(migrations: readonly Pick<Migration, "statements">[]): readonly string[] {
  const names = migrations.flatMap(({ statements }) =>
    statements.flatMap((sql) =>
      [...sql.matchAll(/\bpublic\.([a-z_][a-z0-9_]*)/g)].map(([, name = ""]) => name),
    ),
  );
  return [...new Set(names)].sort();
}

/**
 * Locks all tables that migrations name in one go, before the first statement. If the statements lock them one by one, a
 * process that works meanwhile comes to hold one table and to wait for another one, and the server ends its transaction as a deadlock.
 *
 * Each try ends before the server looks for deadlocks, and gives back what it has. So nobody waits behind it for
 * longer, and a transaction in its way comes to its end.
 *
 * @param session inside a transaction, to which the locks belong
 * @param patience milliseconds
 * @throws StorageError {@link LOCK_TABLES}, 55P03, if a table is still in use then
 */
export async function lockTables(
  session: Pick<Session, "query">,
  migrations: readonly Migration[],
  patience = PATIENCE,
): Promise<void> {
  const found = await step(session, EXISTING, [tablesOf(migrations).join(",")]);
  if (found.length === 0) return;
  const tables = found.map(({ name }) => `public.${readText(name)}`).join(", ");
  const [settings] = await step(session, SETTINGS);
  const ownTimeout = readText(settings?.["statement_timeout"]);
  const deadlockTimeout = readInteger(settings?.["deadlock_timeout"]);
  const until = performance.now() + patience;
  for (let attempt = 1; ; attempt += 1) {
    const most = attempt % LONG_EVERY === 0 ? deadlockTimeout * 2 : Math.ceil(deadlockTimeout / 2);
    await step(session, "savepoint tables");
    try {
      await step(session, GIVE_UP_AFTER, [String(most)]);
      await step(session, `lock table ${tables} in access exclusive mode`, [], LOCK_TABLES);
      await step(session, GIVE_UP_AFTER, [ownTimeout]);
      return;
    } catch (error) {
      const state = error instanceof StorageError ? (error.sqlstate ?? "") : "";
      if (!SQLSTATE.busy.has(state) && !SQLSTATE.unsupported.has(state)) throw error;
      await step(session, "rollback to savepoint tables");
      if (SQLSTATE.unsupported.has(state)) return;
      if (performance.now() >= until) throw new StorageError(LOCK_TABLES, SQLSTATE.lockNotAvailable);
    }
    // Those who waited behind this try have their turn.
    await pause(deadlockTimeout / 4);
  }
}

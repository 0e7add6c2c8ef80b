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
/** Milliseconds of one try, and of the pause after it: a quarter of the server's deadlock timeout, within these. */
const SHORTEST_TRY = 20;
const LONGEST_TRY = 250;
/** Before every so many tries an autovacuum that is in the way is ended. */
const WAIT_EVERY = 5;
/** The longest deadlock timeout that is waited for at one table, milliseconds: a statement of a caller may take five seconds. */
const LONGEST_WAIT = 2_000;

const SQLSTATE = {
  // The statement took too long, or one of its locks did, or the server found a circle.
  busy: new Set(["57014", "55P03", "40P01"]),
  // An engine that has no such statement, or an owner that has taken the right to it from itself: it may still alter.
  unsupported: new Set(["0A000", "42601", "42501"]),
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

/** The tables of the schema that migrations name and do not create, sorted. */
export function tablesOf(migrations: readonly Pick<Migration, "statements">[]): readonly string[] {
  const texts = migrations.flatMap(({ statements }) => statements);
  const found = (pattern: RegExp) =>
    new Set(texts.flatMap((sql) => [...sql.matchAll(pattern)].map(([, name = ""]) => name)));
  const created = found(/\bcreate table (?:if not exists )?public\.([a-z_][a-z0-9_]*)/g);
  return [...found(/\bpublic\.([a-z_][a-z0-9_]*)/g).difference(created)].sort();
}

/**
 * Locks all tables that migrations name in one go, before the first statement. If the statements lock them one by one, a
 * process that works meanwhile comes to hold one table and to wait for another one, and the server ends its transaction as a deadlock.
 *
 * Each try ends before the server looks for deadlocks among those who came to wait for it, and gives back what it has. So
 * nobody waits behind it for longer, and a transaction in its way comes to its end.
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
  const tables = found.map(({ name }) => `public.${readText(name)}`);
  const [settings] = await step(session, SETTINGS);
  const ownTimeout = readText(settings?.["statement_timeout"]);
  const deadlockTimeout = readInteger(settings?.["deadlock_timeout"]);
  const short = Math.min(Math.max(Math.ceil(deadlockTimeout / 4), SHORTEST_TRY), LONGEST_TRY);
  const until = performance.now() + patience;

  /** @returns false, holding none of them, if the time is up before all are locked */
  async function lock(names: readonly string[], most: number): Promise<boolean | "unsupported"> {
    await step(session, "savepoint tables");
    try {
      await step(session, GIVE_UP_AFTER, [String(most)]);
      await step(session, `lock table ${names.join(", ")} in access exclusive mode`, [], LOCK_TABLES);
      await step(session, GIVE_UP_AFTER, [ownTimeout]);
      return true;
    } catch (error) {
      const state = error instanceof StorageError ? (error.sqlstate ?? "") : "";
      if (!SQLSTATE.busy.has(state) && !SQLSTATE.unsupported.has(state)) throw error;
      await giveBack();
      return SQLSTATE.unsupported.has(state) ? "unsupported" : false;
    }
  }

  /** Released as well, or each try would nest one deeper. */
  async function giveBack(): Promise<void> {
    await step(session, "rollback to savepoint tables");
    await step(session, "release savepoint tables");
  }

  for (let attempt = 1; ; attempt += 1) {
    if ((await lock(tables, short)) !== false) return;
    if (performance.now() >= until) throw new StorageError(LOCK_TABLES, SQLSTATE.lockNotAvailable);
    // Those who waited behind this try have their turn.
    await pause(short);
    if (attempt % WAIT_EVERY > 0 || deadlockTimeout > LONGEST_WAIT) continue;
    // The server ends an autovacuum for a session that has waited for its deadlock timeout. Nothing else is held meanwhile, so
    // nobody can be in a circle with it.
    for (const table of tables) {
      if (performance.now() >= until) break;
      if ((await lock([table], deadlockTimeout + short)) === true) await giveBack();
    }
  }
}

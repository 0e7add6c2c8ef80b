import type { Session } from "../engine/connection.ts";
import { startFault } from "../engine/guard.ts";
import { nullable, readInteger, readText } from "../engine/values.ts";
import { KNOWN_TO_0_1_0, type Migration, MigrationError } from "./migrations.ts";

/** A migration that a database records as applied. */
export interface Applied {
  readonly hash: string;
  readonly when: number;
  /** The oldest version that works on the schema since; null if none was recorded. */
  readonly minimum: string | null;
}

const OLDEST = "0.1.0";

const NOT_THERE = new Set(["42P01", "3F000"]); // no such table, no such schema

// Version 0.1.0 refuses to start on a row of drizzle's table that it does not know, and reads no other table. So
// migrations that it can work beside are recorded in a table of our own, and the others in both.
const TABLES = [
  "select hash, created_at, null as minimum from drizzle.__drizzle_migrations",
  "select hash, created_at, minimum from drizzle.bakehouse_migrations",
] as const;

/** The statements that make both tables. */
export const CREATE_TABLES = [
  "create schema if not exists drizzle",
  "create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)",
  "create table if not exists drizzle.bakehouse_migrations (created_at bigint primary key, tag text not null, hash text not null, minimum text)",
] as const;

/** Reads the applied migrations, oldest first. Outside of a transaction the tables may be missing. */
export async function readApplied(connection: Pick<Session, "query">): Promise<readonly Applied[]> {
  const all = new Map<number, Applied>();
  for (const table of TABLES) {
    for (const row of await rowsOf(connection, table)) {
      const when = readInteger(row["created_at"]);
      const minimum = nullable(readText)(row["minimum"]);
      all.set(when, { hash: readText(row["hash"]), when, minimum });
    }
  }
  return [...all.values()].sort((a, b) => a.when - b.when);
}

async function rowsOf(connection: Pick<Session, "query">, text: string) {
  try {
    return await connection.query(text, []);
  } catch (error) {
    const safe = startFault("read migrations", error);
    if ("sqlstate" in safe && NOT_THERE.has(safe.sqlstate ?? "")) return [];
    throw safe;
  }
}

/** The statements that record a migration as applied, with their values. */
export function recordOf(
  { tag, when, hash, minimum }: Migration,
  index: number,
): readonly (readonly [text: string, values: readonly (string | number)[]])[] {
  const drizzles = [
    "insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)",
    [hash, when],
  ] as const;
  if (index < KNOWN_TO_0_1_0) return [drizzles];
  const ours = [
    "insert into drizzle.bakehouse_migrations (created_at, tag, hash, minimum) values ($1, $2, $3, nullif($4, ''))",
    [when, tag, hash, minimum ?? ""],
  ] as const;
  return minimum !== undefined && !isOlder(OLDEST, minimum) ? [ours] : [ours, drizzles];
}

/**
 * The migrations that are still to be applied.
 *
 * @param version this program's own; undefined refuses every migration that it does not know
 * @throws MigrationError if this program must not work on the schema: a migration was changed after it was applied,
 *   one of its own would be skipped, or a newer version has made it so
 */
export function missing(
  migrations: readonly Migration[],
  done: readonly Applied[],
  version: string | undefined,
): readonly Migration[] {
  const known = new Map(migrations.map((migration) => [migration.when, migration]));
  const unknown = done.filter(({ when }) => !known.has(when));
  const applied = new Set(done.map(({ when }) => when));
  for (const { when, hash } of done) {
    const migration = known.get(when);
    if (migration !== undefined && migration.hash !== hash)
      throw new MigrationError(
        `migration ${migration.tag} was changed after it was applied to this database`,
      );
  }
  const todo = migrations.filter(({ when }) => !applied.has(when));
  const newest = done.at(-1)?.when ?? 0;
  for (const { when, tag } of todo) {
    if (when < newest)
      throw new MigrationError(`it has migrations that are later than ${tag}, and not ${tag} itself`);
  }
  for (const { minimum } of unknown) requireVersion(minimum, version);
  return todo;
}

function requireVersion(minimum: string | null, version: string | undefined): void {
  if (minimum === null || version === undefined) {
    throw new MigrationError(
      "it has migrations that this version does not know: they are newer, or not ours: run the version that made them, or name another database",
    );
  }
  if (isOlder(version, minimum)) {
    throw new MigrationError(
      `it was migrated by a newer version, and needs ${minimum} or later since: this is ${version}`,
    );
  }
}

/** Whether a version (three numbers between dots; the rest is not read) comes before another one. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [numbersOf(version), numbersOf(than)];
  const differs = a.findIndex((number, index) => number !== b[index]);
  return differs !== -1 && (a[differs] ?? 0) < (b[differs] ?? 0);
}

function numbersOf(version: string): readonly number[] {
  const [, ...numbers] = /^(\d+)\.(\d+)\.(\d+)(?![\d.])/.exec(version) ?? [];
  if (numbers.length === 0) throw new MigrationError("a version is not three numbers between dots");
  return numbers.map(Number);
}

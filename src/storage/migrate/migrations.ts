import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { z } from "zod";

/** One migration as it lies in the folder, in the format of drizzle's migrator. */
export interface Migration {
  readonly tag: string;
  /** Unix milliseconds: its place in the order. */
  readonly when: number;
  /** SHA-256 of the file, lower-case hex. */
  readonly hash: string;
  /** The oldest version of this program that works on the schema once the migration is applied; undefined for none but its own. */
  readonly minimum?: string | undefined;
  readonly statements: readonly string[];
}

/** The migrations and the database do not fit together. The message says how. */
export class MigrationError extends Error {
  override readonly name = "MigrationError";
}

const journalSchema = z.object({
  dialect: z.literal("postgresql"),
  entries: z.array(
    z.object({
      idx: z.number().int(),
      when: z.number().int(),
      tag: z.string().regex(/^\d{4}_[a-z0-9_]+$/),
      minimum: z
        .string()
        .regex(/^\d+\.\d+\.\d+$/)
        .optional(),
    }),
  ),
});

/** The number of migrations that version 0.1.0 has. It knows of no minimum, and neither do they. */
export const KNOWN_TO_0_1_0 = 3;

/**
 * Reads the migrations of a folder, in order.
 *
 * @throws MigrationError if the journal is malformed or not in strictly rising order: a migration that is
 *   dated before one that was applied would be skipped without a word
 */
export function readMigrations(folder: string): readonly Migration[] {
  let text: string;
  try {
    text = readFileSync(join(folder, "meta", "_journal.json"), "utf8");
  } catch {
    throw new MigrationError(`no migrations in ${folder}`);
  }
  const journal = journalSchema.safeParse(json(text));
  if (!journal.success) throw new MigrationError(`the journal of migrations in ${folder} is malformed`);
  let last = 0;
  return journal.data.entries.map(({ idx, when, tag, minimum }, index) => {
    if (idx !== index || when <= last)
      throw new MigrationError(`migration ${tag} is out of order in the journal`);
    if (index >= KNOWN_TO_0_1_0 && minimum === undefined)
      throw new MigrationError(`migration ${tag} names no minimum version in the journal`);
    last = when;
    const sql = readFileSync(join(folder, `${tag}.sql`), "utf8");
    return {
      tag,
      when,
      hash: createHash("sha256").update(sql).digest("hex"),
      minimum,
      statements: sql.split("--> statement-breakpoint"),
    };
  });
}

/** Finds the package's own folder of migrations, from the sources and from the bundle alike. */
export function defaultMigrationsFolder(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const candidate = join(folder, "migrations");
    if (existsSync(join(candidate, "meta", "_journal.json"))) return candidate;
  }
  throw new MigrationError(`no folder of migrations above ${import.meta.dirname}`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

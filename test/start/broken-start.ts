import { readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

const texts = z.record(z.string(), z.string());

/** A server at `{fake}` that is no Postgres. */
const fakeSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("refuses"), sqlstate: z.string(), words: z.string() }),
  z.strictObject({ kind: z.enum(["closes", "silent", "web", "standby"]) }),
  // For this name, for so many days; its authority is in the file `{authority}`.
  z.strictObject({ kind: z.literal("tls"), name: z.string(), days: z.number() }),
]);

const startSchema = z.strictObject({
  name: z.string(),
  /** The command line; `serve` unless said. */
  args: z.array(z.string()).optional(),
  /** The settings of a service that starts, and those besides; an empty one is unset. */
  on: z.enum(["embedded", "server"]),
  environment: texts.optional(),
  /** Files in the data folder. */
  files: texts.optional(),
  /** Statements of an administrator, by their database. */
  sql: z.record(z.string(), z.array(z.string())).optional(),
  fake: fakeSchema.optional(),
  /** What another process has already: the port `{taken}`, or the data folder. */
  taken: z.enum(["port", "folder"]).optional(),
  /** Whether the built command is run for it, in a process of its own. */
  spawned: z.literal(true).optional(),
  /** The version of Node; this one unless said. */
  node: z.string().optional(),
  /** All that is said, one line for each fault. */
  says: z.array(z.string()),
  /** The exit code; 1 unless said. */
  code: z.number().optional(),
});

const fileSchema = z.strictObject({
  settings: z.strictObject({ embedded: texts, server: texts }),
  starts: z.array(startSchema),
});

/**
 * An environment that is broken, with what the person at the terminal reads. A name in braces stands for a value that
 * differs from run to run: an address, a folder, a secret.
 */
export type BrokenStart = z.infer<typeof startSchema>;

/** The table, and the settings of services that start. */
export const { starts: BROKEN_STARTS, settings: SETTINGS } = fileSchema.parse(
  JSON.parse(readFileSync(join(import.meta.dirname, "failures.json"), "utf8")),
);

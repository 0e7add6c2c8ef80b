import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { PGlite, types } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";

import type { Connection } from "./connection.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";

/** Where the embedded database lives. */
export type EmbeddedPlace =
  /** Under this folder, which is locked as long as the database is open. */
  | { readonly kind: "folder"; readonly folder: string }
  /** In memory, from a dump of an embedded database where one is given. */
  | { readonly kind: "memory"; readonly snapshot?: Blob };

// As the server's text form, which is what the readers of values expect.
const AS_TEXT = (value: string): string => value;

/**
 * Opens the embedded database as the one connection that it is.
 *
 * It writes without fsync: what was acknowledged survives the end of the process, SIGKILL too, and may not
 * survive a power cut.
 */
export async function openEmbedded(place: EmbeddedPlace): Promise<Connection> {
  let lock: FolderLock | undefined;
  if (place.kind === "folder") {
    mkdirSync(place.folder, { recursive: true, mode: 0o700 });
    lock = lockFolder(place.folder);
  }
  try {
    return await openPGlite(place, lock);
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function openPGlite(place: EmbeddedPlace, lock: FolderLock | undefined): Promise<Connection> {
  const client = await PGlite.create({
    ...(place.kind === "folder" ? { dataDir: join(place.folder, "database") } : {}),
    ...(place.kind === "memory" && place.snapshot !== undefined ? { loadDataDir: place.snapshot } : {}),
    parsers: { [types.TIMESTAMPTZ]: AS_TEXT },
  });
  await client.exec("set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set search_path = public");
  let closed = false;

  return {
    db: drizzle(client),
    query: async (text, values) => (await client.query<Record<string, unknown>>(text, [...values])).rows,
    lost: () => closed,
    onLost: () => () => {},
    async abandon() {
      if (closed) return false;
      // It queues behind whatever is being done, which cannot be interrupted.
      await client.exec("rollback");
      return true;
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await client.close();
      } finally {
        lock?.release();
      }
    },
  };
}

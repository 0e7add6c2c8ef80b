import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { PGlite, types } from "@electric-sql/pglite";
import { drizzle } from "drizzle-orm/pglite";

import type { Connection } from "./connection.ts";
import { ConnectError } from "./error.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";

// In the server's text form, which the readers of values expect.
const AS_TEXT = (value: string): string => value;

/**
 * Opens the embedded database as the one connection that it is.
 *
 * It writes without fsync: an acknowledged change survives the end of the process, SIGKILL too, and may not
 * survive a power cut.
 *
 * @param folder it is made if it is missing, and locked as long as the database is open
 * @throws FolderLockedError if another process has the folder; ConnectError if the database in it does not open
 */
export async function openEmbedded(folder: string): Promise<Connection> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(folder);
  try {
    return await openPGlite(join(folder, "database"), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Postgres clears its buffers at each start. Of the 128 MB that it takes by itself most are never used here, and clearing
 * them was half of what a start costs; the operating system caches the files as well.
 */
const BUFFERS = "16MB";

/** @throws ConnectError if it does not open: what it says itself is of use to nobody */
async function openClient(dataDir: string): Promise<PGlite> {
  try {
    const client = await PGlite.create({
      dataDir,
      parsers: { [types.TIMESTAMPTZ]: AS_TEXT },
      startParams: [...PGlite.defaultStartParams, "-c", `shared_buffers=${BUFFERS}`],
    });
    await client.exec("set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set search_path = public");
    return client;
  } catch {
    throw new ConnectError(
      `database ${dataDir}: it is damaged, or of another version of Postgres: restore DATA_DIR from a backup, or set DATA_DIR to an empty folder to begin anew`,
    );
  }
}

async function openPGlite(dataDir: string, lock: FolderLock): Promise<Connection> {
  const client = await openClient(dataDir);
  let closed = false;

  return {
    place: dataDir,
    ownSession: true,
    async begin() {
      await client.exec("begin isolation level read committed");
    },
    async commit() {
      await client.exec("commit");
    },
    db: drizzle(client),
    query: async (text, values) => (await client.query<Record<string, unknown>>(text, [...values])).rows,
    lost: () => closed,
    onLost: () => () => {},
    tookUnconfirmed: () => false, // there are no standbys
    async abandon() {
      try {
        // It queues behind the running statement, which cannot be interrupted.
        if (!closed) await client.exec("rollback");
        return !closed;
      } catch {
        return false;
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      try {
        await client.close();
      } finally {
        lock.release();
      }
    },
  };
}

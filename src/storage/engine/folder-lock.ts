import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A folder that is ours alone. */
export interface FolderLock {
  release(): void;
}

/** Another process, or another part of this one, has the folder. The message names the folder. */
export class FolderLockedError extends Error {
  override readonly name = "FolderLockedError";
}

/**
 * Takes a folder for this process alone. The file `lock` names the process.
 *
 * Two processes on one embedded database destroy it without an error. A process id in a file cannot decide
 * the process that has the folder: ids are used again, and in two containers they mean different processes. So the kernel
 * decides, by a lock on `lock.sqlite` that ends with the process that holds it, however it ends, kill -9
 * included; SQLite is the one part of Node that can take such a lock. The text in `lock` is for people.
 *
 * @throws FolderLockedError if the folder is taken
 */
export function lockFolder(folder: string): FolderLock {
  const note = join(folder, "lock");
  const lock = lockFile(join(folder, "lock.sqlite"));
  if (lock === undefined) {
    throw new FolderLockedError(
      `folder ${folder} is in use by another process${holder(note)}: stop that one, or set DATA_DIR to another folder`,
    );
  }
  writeFileSync(note, `pid ${process.pid}\nsince ${new Date().toISOString()}\n`, { mode: 0o600 });
  return {
    release() {
      // The note goes first: after the lock it may be another process's.
      rmSync(note, { force: true });
      lock.release();
    },
  };
}

/** SQLite's word for a lock that another process has. */
const BUSY = 5;

/**
 * Takes the kernel's lock on a file, which is made (mode 0600) if it is not there and stays empty. It ends with this process.
 *
 * @returns undefined if somebody else has it, in this process or another
 * @throws FolderLockedError if no lock can be had of it
 */
export function lockFile(path: string): FolderLock | undefined {
  // Only if it is not there: to close any descriptor of a file ends all locks that this process has on it (POSIX,
  // fcntl), so an attempt that is refused would hand the file to the next process.
  if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path);
    database.exec("pragma busy_timeout = 0; pragma journal_mode = memory; begin exclusive");
  } catch (error) {
    database?.close();
    if (error instanceof Error && "errcode" in error && error.errcode === BUSY) return undefined;
    throw new FolderLockedError(
      `${path} cannot be locked: let this user write it, or remove it if it is damaged`,
    );
  }
  return { release: () => database?.close() };
}

function holder(note: string): string {
  try {
    const pid = /^pid (\d+)$/m.exec(readFileSync(note, "utf8"))?.[1];
    return pid === undefined ? "" : ` (pid ${pid})`;
  } catch {
    return "";
  }
}

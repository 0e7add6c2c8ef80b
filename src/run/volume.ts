import { accessSync, chmodSync, constants, mkdirSync, statSync } from "node:fs";

/** A data folder that is of no use. The message names it, and the cure. */
export class DataDirError extends Error {
  override readonly name = "DataDirError";
}

/** The system's calls that a data folder needs, and the user that makes them. */
export interface VolumeSystem {
  readonly makeFolder: (path: string) => void;
  /** Its permission bits. */
  readonly mode: (path: string) => number;
  /** Takes it from everybody but its owner. */
  readonly close: (path: string) => void;
  /** Throws where files can't be made in it. */
  readonly requireWritable: (path: string) => void;
  /** The user and group of this process, as numbers; undefined if the system has none. */
  readonly user: () => { readonly uid: number; readonly gid: number } | undefined;
}

const OWN = 0o700;

const SYSTEM: VolumeSystem = {
  makeFolder: (path) => void mkdirSync(path, { recursive: true, mode: OWN }),
  mode: (path) => statSync(path).mode & 0o777,
  close: (path) => chmodSync(path, OWN),
  requireWritable: (path) => accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK),
  user() {
    const [uid, gid] = [process.getuid?.(), process.getgid?.()];
    return uid === undefined || gid === undefined ? undefined : { uid, gid };
  },
};

/**
 * Makes the data folder if it is not there. Only its owner may enter, since master key and credentials lie in it: but a
 * volume that an orchestrator mounts often belongs to root and is open to a group, and then its files alone are closed.
 *
 * @param warn told where the folder stays open to others
 * @throws DataDirError if nothing can be kept in it
 */
export function prepareDataDir(path: string, warn: (text: string) => void, system = SYSTEM): void {
  try {
    system.makeFolder(path);
  } catch (error) {
    // A file in the way is no matter of rights: the error's own code says so.
    if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOTDIR") throw error;
    throw new DataDirError(`DATA_DIR: folder ${path} cannot be made (${codeOf(error)}): ${cure(system)}`);
  }
  try {
    system.requireWritable(path);
  } catch (error) {
    throw new DataDirError(
      `DATA_DIR: folder ${path} cannot be written to (${codeOf(error)}): ${cure(system)}`,
    );
  }
  if (system.mode(path) === OWN) return;
  try {
    system.close(path);
  } catch (error) {
    const mode = system.mode(path).toString(8).padStart(4, "0");
    warn(
      `DATA_DIR: folder ${path} has mode ${mode} and cannot be closed to others (${codeOf(error)}), because it belongs to another user: its files are this one's alone, and whoever may write to the folder can remove them`,
    );
  }
}

/** Whether files can be made in a folder that is there. */
export function isWritable(path: string): boolean {
  try {
    SYSTEM.requireWritable(path);
    return true;
  } catch {
    return false;
  }
}

function cure({ user }: VolumeSystem): string {
  const own = user();
  const who = own === undefined ? "this user" : `uid ${own.uid} or gid ${own.gid}`;
  return `let ${who} write to it (chown, or fsGroup in Kubernetes), or set DATA_DIR to another folder`;
}

/** The system's code of an error, such as ENOENT. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown";
}

import { randomUUID } from "node:crypto";
import { type FileHandle, lstat, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

import { CommandError, EXIT } from "./exit.ts";

/** The code of a file's error; never its message, which may say more. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}

/**
 * Writes a file that only this user can read, whole or not at all. One that was there is replaced, with its modes; a
 * link is replaced, not followed.
 *
 * @param mayMakeFolder whether to make its folder, for this user alone
 * @throws CommandError if that cannot be, or if something else than a file has that name
 */
export async function writePrivate(path: string, text: string, mayMakeFolder: boolean): Promise<void> {
  // A name that nobody else has: of two processes at once each writes all of it, and one of them stays.
  const making = `${path}.${randomUUID()}`;
  try {
    if (mayMakeFolder) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await refuseOthers(path);
    await writeFile(making, text, { mode: 0o600, flag: "wx" });
    await rename(making, path);
  } catch (error) {
    await rm(making, { force: true }).catch(() => undefined); // where there is no folder, there is no file
    if (error instanceof CommandError) throw error;
    const code = codeOf(error);
    const why = code === "ENOENT" ? "its folder is not there" : code;
    throw new CommandError(EXIT.failed, `cannot write ${path} (${why})`);
  }
}

/** Whether a file, or a link, has that name. */
export async function exists(path: string): Promise<boolean> {
  try {
    const found = await lstat(path);
    // What is no file is refused when it is written, and no answer of anybody changes that.
    return found.isFile() || found.isSymbolicLink();
  } catch {
    return false;
  }
}

/** A device, such as /dev/null, would be replaced too, by a user with the right to it. */
async function refuseOthers(path: string): Promise<void> {
  try {
    const found = await lstat(path);
    if (found.isFile() || found.isSymbolicLink()) return;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return;
    throw error;
  }
  throw new CommandError(EXIT.usage, `cannot write ${path}: something else than a file has that name`);
}

/**
 * Reads a file that nobody else can read; undefined if there is none, and empty if it is too long to be it.
 *
 * @param hasModes whether the system's files have modes that say which users can read them
 */
export async function readPrivate(
  path: string,
  { hasModes, most }: { readonly hasModes: boolean; readonly most: number },
): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    // The modes of the file that was opened, not of the file that has the name a moment later.
    const found = await file.stat();
    if (hasModes && (found.mode & 0o077) !== 0) {
      throw new CommandError(EXIT.unauthorised, `others can read ${path}: chmod 600 it, or log in again`);
    }
    return found.isFile() && found.size <= most ? await file.readFile("utf8") : "";
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    throw new CommandError(EXIT.failed, `cannot read ${path} (${code})`);
  } finally {
    await file?.close();
  }
}

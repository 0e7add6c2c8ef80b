import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { CommandError, EXIT } from "./exit.ts";
import type { Terminal } from "./terminal.ts";

/** What a login left behind. */
export interface Login {
  /** The service that it is for, and that alone. */
  readonly url: string;
  readonly id_token: string;
  readonly expires_at: string;
  readonly name: string;
}

const FILE = "login.json";

/** More than any ID token that fits into a header. */
const MOST_BYTES = 256 * 1024;

/** The folder of this user's settings. */
function configFolder({ env, platform, home }: Terminal): string {
  if (platform === "win32" && env["APPDATA"]) return join(env["APPDATA"], "bakehouse");
  return join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "bakehouse");
}

/** Keeps a login where only this user can read it. @returns the file */
export async function saveLogin(terminal: Terminal, login: Login): Promise<string> {
  const folder = configFolder(terminal);
  const file = join(folder, FILE);
  // A name that nobody else has: two logins at once each write all of it, and one of them stays.
  const making = `${file}.${randomUUID()}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(making, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    await rename(making, file);
  } catch (error) {
    await rm(making, { force: true });
    throw new CommandError(EXIT.failed, `cannot write ${file} (${codeOf(error)})`);
  }
  return file;
}

/** The login that was kept; undefined where there is none. */
export async function loadLogin(terminal: Terminal): Promise<Login | undefined> {
  const file = join(configFolder(terminal), FILE);
  const text = await readPrivate(file, terminal.platform !== "win32");
  if (text === undefined) return undefined;
  const login = readLogin(text);
  if (login === undefined) throw new CommandError(EXIT.failed, `${file} is damaged: log in again`);
  return login;
}

/** Reads a file that nobody else can read; undefined where there is none. */
async function readPrivate(path: string, hasModes: boolean): Promise<string | undefined> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    // Of what was opened, not of what the name means a moment later.
    const found = await file.stat();
    if (hasModes && (found.mode & 0o077) !== 0) {
      throw new CommandError(EXIT.unauthorised, `others can read ${path}: chmod 600 it, or log in again`);
    }
    if (!found.isFile() || found.size > MOST_BYTES) return "";
    return await file.readFile("utf8");
  } catch (error) {
    if (error instanceof CommandError) throw error;
    const code = codeOf(error);
    if (code === "ENOENT") return undefined;
    throw new CommandError(EXIT.failed, `cannot read ${path} (${code})`);
  } finally {
    await file?.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unreadable";
}

function readLogin(text: string): Login | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    const { url, id_token, expires_at, name } = value as Readonly<Record<string, unknown>>;
    if (typeof url !== "string" || typeof id_token !== "string") return undefined;
    if (typeof expires_at !== "string" || typeof name !== "string") return undefined;
    // An end that is no instant would never have come.
    if (Number.isNaN(Date.parse(expires_at)) || !/^[\x21-\x7e]+$/.test(id_token)) return undefined;
    return { url, id_token, expires_at, name };
  } catch {
    return undefined;
  }
}

/** Forgets the login. @returns whether there was one */
export async function forgetLogin(terminal: Terminal): Promise<boolean> {
  const file = join(configFolder(terminal), FILE);
  try {
    await rm(file);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return false;
    throw new CommandError(EXIT.failed, `cannot remove ${file} (${code})`);
  }
}

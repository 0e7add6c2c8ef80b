import { rm } from "node:fs/promises";
import { join } from "node:path";

import { CommandError, EXIT } from "./exit.ts";
import { codeOf, readPrivate, writePrivate } from "./private-file.ts";
import type { Terminal } from "./terminal.ts";

/** A login as it is kept. */
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

/** The folder of this user's settings. @throws UsageError if this user has no home folder and names none */
export function configFolder(terminal: Terminal): string {
  const { env, platform } = terminal;
  if (platform === "win32" && env["APPDATA"]) return join(env["APPDATA"], "bakehouse");
  return join(env["XDG_CONFIG_HOME"] || join(terminal.home, ".config"), "bakehouse");
}

/** Keeps a login if only this user can read it. @returns the file */
export async function saveLogin(terminal: Terminal, login: Login): Promise<string> {
  const file = join(configFolder(terminal), FILE);
  await writePrivate(file, `${JSON.stringify(login, null, 2)}\n`, true);
  return file;
}

/** The login that was kept; undefined if there is none. */
export async function loadLogin(terminal: Terminal): Promise<Login | undefined> {
  const file = join(configFolder(terminal), FILE);
  const text = await readPrivate(file, { hasModes: terminal.platform !== "win32", most: MOST_BYTES });
  if (text === undefined) return undefined;
  const login = readLogin(text);
  if (login === undefined) throw new CommandError(EXIT.failed, `${file} is damaged: log in again`);
  return login;
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

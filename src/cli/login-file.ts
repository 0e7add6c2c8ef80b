import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
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

/** The folder of this user's settings. */
function configFolder({ env, platform, home }: Terminal): string {
  if (platform === "win32" && env["APPDATA"]) return join(env["APPDATA"], "bakehouse");
  return join(env["XDG_CONFIG_HOME"] || join(home, ".config"), "bakehouse");
}

/** Keeps a login where only this user can read it. @returns the file */
export async function saveLogin(terminal: Terminal, login: Login): Promise<string> {
  const folder = configFolder(terminal);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, FILE);
  // A name that nobody else has: two logins at once each write all of it, and one of them stays.
  const making = `${file}.${randomUUID()}`;
  try {
    await writeFile(making, `${JSON.stringify(login, null, 2)}\n`, { mode: 0o600, flag: "wx" });
    await rename(making, file);
  } catch (error) {
    await rm(making, { force: true });
    throw error;
  }
  return file;
}

/** The login that was kept; undefined where there is none. */
export async function loadLogin(terminal: Terminal): Promise<Login | undefined> {
  const file = join(configFolder(terminal), FILE);
  let text: string;
  try {
    const { mode } = await stat(file);
    if (terminal.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new CommandError(EXIT.unauthorised, `others can read ${file}: chmod 600 it, or log in again`);
    }
    text = await readFile(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
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
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

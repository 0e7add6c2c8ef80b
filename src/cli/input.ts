import { open } from "node:fs/promises";

import { BakehouseError, Token, TokenError } from "../client/index.ts";
import type { Invocation } from "./command.ts";
import { CommandError, EXIT, UsageError } from "./exit.ts";
import { durationText } from "./show.ts";
import { MAX_INPUT, type Terminal } from "./terminal.ts";

/** Reads a file that the command line names; `-` is standard input. */
export async function readSource(terminal: Terminal, path: string, what: string): Promise<string> {
  if (path === "-") return terminal.readInput();
  try {
    return await readBounded(path, what);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    // A token given in a file's place must not be repeated, not even to the person at the keyboard. Nothing tells the
    // two apart for certain, so no name is.
    if (path.length > 60 && (/^[\w+/=-]+$/.test(path) || /^[\w-]+\.[\w-]+\.[\w-]+$/.test(path))) {
      throw new UsageError(
        `that looks like ${what} itself: everyone on this machine can read a command line; give a file, or standard input`,
      );
    }
    // Short, with a folder or an ending: no token looks like that.
    const looksNamed = path.includes("/") || /\.[a-z]{1,6}$/.test(path);
    const named = looksNamed && /^(?!eyJ)[\w./ -]{1,60}$/.test(path) ? path : "that file";
    throw new UsageError(`cannot read ${what} from ${named}: ${WHY_NOT[code] ?? code}`);
  }
}

/** Why a file cannot be read, for people. */
const WHY_NOT: Readonly<Record<string, string>> = {
  ENOENT: "there is none of that name here (ENOENT)",
  EISDIR: "it is a folder (EISDIR)",
  EACCES: "you may not read it (EACCES)",
};

/** Reads no more than any input may have: a name may lead to a device that never ends. */
async function readBounded(path: string, what: string): Promise<string> {
  const file = await open(path);
  try {
    const bytes = new Uint8Array(MAX_INPUT + 1);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      if (bytesRead === 0) return new TextDecoder().decode(bytes.subarray(0, length));
      length += bytesRead;
    }
  } finally {
    await file.close();
  }
  throw new UsageError(`${what} is too long`);
}

/** The token that a command works on: `--token`, `BAKEHOUSE_TOKEN`, or standard input. */
export async function readTokenText({ terminal, text }: Invocation): Promise<string> {
  const path = text("token");
  const fromEnvironment = terminal.env["BAKEHOUSE_TOKEN"];
  let found: string;
  if (path !== undefined) found = await readSource(terminal, path, "the token");
  else if (fromEnvironment) found = fromEnvironment;
  else if (!terminal.inputIsTerminal) found = await terminal.readInput();
  else throw new UsageError(GIVE_TOKEN);
  const trimmed = found.trim();
  if (trimmed === "") throw new UsageError(path === undefined ? GIVE_TOKEN : "the token's file is empty");
  // A path has dots or slashes, which no macaroon's text has.
  if (
    path === undefined &&
    fromEnvironment &&
    /^(?:[\w.-]*\/[\w./-]*|[\w-]+\.(?:token|txt|json))$/.test(trimmed)
  )
    throw new UsageError(
      "BAKEHOUSE_TOKEN is a path, and holds the token itself: a file is named by --token FILE",
    );
  return trimmed;
}

const GIVE_TOKEN = "give the token on standard input, in a file with --token FILE, or in BAKEHOUSE_TOKEN";

/** As {@link readTokenText}, parsed. */
export async function readToken(invocation: Invocation): Promise<Token> {
  const text = await readTokenText(invocation);
  try {
    return Token.parse(text);
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    // An ID token is the most likely thing to be taken for a macaroon.
    if (/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) {
      throw new UsageError("that is a JSON Web Token, not a macaroon: `bakehouse issue` makes one");
    }
    throw new UsageError(error.message);
  }
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads a duration such as `90s`, `15m`, `1h`, `7d` or `3600`, in seconds. */
export function readDuration(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  const [, amount, unit = "s"] = /^([1-9][0-9]{0,8})([smhd])?$/.exec(text) ?? [];
  if (amount === undefined) throw new UsageError(`--${option} must be a duration such as 90s, 15m, 1h or 7d`);
  return Number(amount) * (UNITS[unit] ?? 1);
}

/** Tells a life that is too long in the unit in which it was typed. */
export async function inUnit<T>(typed: string | undefined, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    // The limit is known from the message alone; another message stays as it is.
    const most =
      error instanceof BakehouseError && error.code === "ttl_too_long"
        ? /^at most ([0-9]+) seconds/.exec(error.message)
        : null;
    if (most === null || typed === undefined) throw error;
    const unit = /[smhd]$/.exec(typed)?.[0] ?? "s";
    throw new CommandError(
      EXIT.failed,
      `--ttl ${typed} is too long: at most ${durationText(Number(most[1]), unit)} is allowed here`,
    );
  }
}

/** Reads a whole number. */
export function readCount(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^(0|[1-9][0-9]{0,8})$/.test(text))
    throw new UsageError(`--${option} must be a whole number, such as 2`);
  return Number(text);
}

/** Reads a JSON file. */
export async function readJsonFile(terminal: Terminal, path: string, what: string): Promise<unknown> {
  const text = await readSource(terminal, path, what);
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${what} is not JSON`);
  }
}

/** Refuses words that mean nothing to a command, without repeating them: one may be a token. */
export function onlyWords({ positionals }: Invocation, most: number): void {
  if (positionals.length <= most) return;
  throw new UsageError(
    most === 0
      ? "this takes no words behind it: a token comes from a file, standard input or BAKEHOUSE_TOKEN"
      : "there are too many words; see --help",
  );
}

/** Which page of a list is asked for. */
export function pageRequest({ text }: Invocation) {
  const limit = readCount(text("limit"), "limit");
  const cursor = text("cursor");
  return { ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) };
}

/** Refuses caveats that nobody can clear, before anything is done with the token. */
export function checkCaveats(token: Token, caveats: readonly string[]): void {
  for (const caveat of caveats) {
    try {
      token.withoutDischarges().attenuate(caveat);
    } catch (error) {
      if (error instanceof TokenError && error.code === "invalid_caveat") {
        throw new UsageError(error.message);
      }
      throw error;
    }
  }
}

/** With `--strict`, what would be warned of is an error. */
export function requireNoWarning({ flag }: Pick<Invocation, "flag">, warnings: readonly string[]): void {
  if (flag("strict") && warnings.length > 0)
    throw new UsageError(`nothing was made (--strict): ${warnings.join("; ")}`);
}

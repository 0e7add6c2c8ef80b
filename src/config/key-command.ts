import { spawnSync } from "node:child_process";
import { constants } from "node:os";

import { type Environment, Invalid } from "./environment.ts";

/** Milliseconds within which the command has to end. */
const DEADLINE = 10_000;

/** Bytes that it may print: a key has 44. */
const MOST_BYTES = 1024;

/** What a shell reads and this does not: a command that needs one would do something else here, silently. */
const SHELL = /["'`$\\|&;<>*?()~]/;

/** A program and its arguments. */
export type Command = readonly [program: string, ...args: readonly string[]];

/**
 * Reads a command: a program and its arguments between spaces, or as a JSON list, where one has a space or more in it.
 *
 * @throws {Invalid} for what only a shell could read
 *
 * @example
 * parseCommand("/usr/local/bin/unwrap --key prod"); // ["/usr/local/bin/unwrap", "--key", "prod"]
 */
export function parseCommand(text: string): Command {
  const [program, ...args] = text.trimStart().startsWith("[") ? listOf(text) : wordsOf(text);
  if (program === undefined || program === "") throw new Invalid("must name a program");
  return [program, ...args];
}

function wordsOf(text: string): readonly string[] {
  if (SHELL.test(text))
    throw new Invalid("is run without a shell: write program and arguments as a JSON list, or name a script");
  return text.trim().split(/\s+/);
}

function listOf(text: string): readonly string[] {
  const refused = new Invalid("must be a JSON list of texts, or a program and its arguments between spaces");
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw refused;
  }
  if (!Array.isArray(list) || !list.every((item) => typeof item === "string" && !item.includes("\0")))
    throw refused;
  return list;
}

/**
 * Runs a command that prints a key, without a shell, and waits for it. It has the service's environment and its standard
 * error; what it prints is in no message.
 *
 * @param deadline milliseconds; past it the command is killed
 * @returns what it printed, without the ends of lines behind it
 * @throws {Invalid} if it does not run, does not end well or in time, or prints nothing or too much
 */
export function outputOf(
  [program, ...args]: Command,
  environment: Environment,
  deadline: number = DEADLINE,
): string {
  const { error, status, signal, stdout } = spawnSync(program, args, {
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
    timeout: deadline,
    killSignal: constants.signals.SIGKILL,
    maxBuffer: MOST_BYTES,
    encoding: "utf8",
  });
  if (error !== undefined) throw new Invalid(reasonOf("code" in error ? error.code : undefined, deadline));
  if (status !== 0)
    throw new Invalid(`it ended with ${status ?? signal}: what it says of that stands before this line`);
  const text = stdout.replace(/[\r\n]+$/, "");
  if (text === "") throw new Invalid("it printed nothing: it must print the key on standard output");
  return text;
}

function reasonOf(code: unknown, deadline: number): string {
  const reasons: Readonly<Record<string, string>> = {
    ETIMEDOUT: `it did not end within ${deadline / 1000} s`,
    ENOBUFS: `it printed more than ${MOST_BYTES} bytes: it must print the key and nothing else`,
  };
  return reasons[String(code)] ?? `it cannot be run (${String(code)}): name a program that this user may run`;
}

import type { Invocation, OptionSpec } from "./command.ts";
import { CommandError, EXIT, UsageError } from "./exit.ts";
import { exists, writePrivate } from "./private-file.ts";
import { printJson } from "./terminal.ts";

/** The destination of a token that a command makes. */
export const OUTPUT_OPTION = {
  output: {
    type: "string",
    short: "o",
    value: "FILE",
    help: "write the token there, for you alone to read, instead of printing it",
  },
  force: { type: "boolean", help: "with --output: write over a file that is there" },
} as const satisfies Record<string, OptionSpec>;

/**
 * Settles that a file which is there may be written over: by `--force`, or by a person who says so. Asked before anything
 * is done, so that nothing is made that has no place to go.
 */
export async function settleOutput({ terminal, text, flag }: Invocation): Promise<void> {
  const file = text("output");
  if (file === undefined) {
    if (flag("force")) throw new UsageError("--force goes with --output FILE");
    return;
  }
  if (flag("force") || !(await exists(file))) return;
  if (!terminal.canAsk)
    throw new UsageError(`${file} is there already: another name, or --force to write over it`);
  if (await terminal.confirm(`${file} is there already. Write over it?`)) return;
  throw new CommandError(EXIT.failed, `${file} is left as it is`);
}

/** Leaves a token in its destination: in a file, or printed, with the known facts about it as JSON. */
export async function leaveToken(
  { terminal, json, text }: Invocation,
  made: Readonly<Record<string, unknown>> & { readonly token: string },
): Promise<void> {
  const file = text("output");
  const { token, ...facts } = made;
  if (file !== undefined) await writePrivate(file, `${token}\n`, false);
  if (json) printJson(terminal, file === undefined ? made : { file, ...facts });
  else if (file === undefined) terminal.print(token);
}

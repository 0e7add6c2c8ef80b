import type { Invocation, OptionSpec } from "./command.ts";
import { writePrivate } from "./private-file.ts";
import { printJson } from "./terminal.ts";

/** The destination of a token that a command makes. */
export const OUTPUT_OPTION = {
  output: {
    type: "string",
    short: "o",
    value: "FILE",
    help: "write the token there, for you alone to read, instead of printing it",
  },
} as const satisfies Record<string, OptionSpec>;

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

import { runCommandLine } from "../../src/cli/cli.ts";
import { serverCommands } from "../../src/run/command/commands.ts";
import { VERSION } from "../../src/run/package.ts";
import { explainFailure } from "../../src/run/start-failure.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";

/** How a command ended, and what it said to its caller, line by line. */
export interface Commanded {
  readonly code: number;
  readonly said: readonly string[];
  readonly stdout: string;
}

/** Runs a command in this process as `main.ts` does in its own: a start of one takes a hundred times as long. */
export async function ownCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  node = process.versions.node,
): Promise<Commanded> {
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  const terminal = { ...fakeTerminal(), say };
  const server = serverCommands({ environment, say, node });
  try {
    const code = await runCommandLine(args, { terminal, server, version: VERSION });
    return { code, said, stdout: terminal.printed.join("\n") };
  } catch (error) {
    const { lines, exit } = await explainFailure(error);
    for (const line of lines) say(`bakehouse: ${line}`);
    return { code: exit, said, stdout: terminal.printed.join("\n") };
  }
}

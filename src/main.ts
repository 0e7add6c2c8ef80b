#!/usr/bin/env node
import { serverCommands } from "./run/command/commands.ts";
import { sayFailure } from "./run/command/context.ts";
import { VERSION } from "./run/package.ts";

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function run(args: readonly string[]): Promise<void> {
  // The reader of a command's output may stop reading: that is no failure of the command.
  process.stdout.on("error", (error: Error) => {
    process.exit("code" in error && error.code === "EPIPE" ? 0 : 1);
  });
  // Loaded apart from each other, so that neither a server nor a command line pays for the other.
  const [{ runCommandLine }, { processTerminal }] = await Promise.all([
    import("./cli/cli.ts"),
    import("./cli/process-terminal.ts"),
  ]);
  const terminal = processTerminal(process.env);
  const server = serverCommands({ environment: process.env, say, node: process.versions.node });
  process.exitCode = await runCommandLine(args, { terminal, server, version: VERSION });
}

run(process.argv.slice(2)).catch(async (error: unknown) => process.exit(await sayFailure({ say }, error)));

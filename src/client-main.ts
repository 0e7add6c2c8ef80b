#!/usr/bin/env node
// The command of the package `bakehouse`, which holds no service.
import manifest from "../package.json" with { type: "json" };
import { runCommandLine } from "./cli/cli.ts";
import { processTerminal } from "./cli/process-terminal.ts";

// The reader of a command's output may stop reading: that is no failure of the command.
process.stdout.on("error", (error: Error) => {
  process.exit("code" in error && error.code === "EPIPE" ? 0 : 1);
});

const terminal = processTerminal(process.env);
runCommandLine(process.argv.slice(2), { terminal, server: [], version: manifest.version }).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    // Of a fault only its class is said: a message of unknown origin may hold a token.
    process.stderr.write(`bakehouse: failed (${error instanceof Error ? error.name : "no error"})\n`);
    process.exit(1);
  },
);

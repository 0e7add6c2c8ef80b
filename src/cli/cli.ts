import { parseArgs } from "node:util";

import { BakehouseError, TokenError } from "../client/index.ts";
import { nearest } from "../words/near.ts";
import type { Command, Invocation, OptionSpec } from "./command.ts";
import { approvalsCommand } from "./commands/approvals.ts";
import { auditCommand } from "./commands/audit.ts";
import { clientsCommand, consentsCommand } from "./commands/clients.ts";
import { completionCommand } from "./commands/completion.ts";
import { dischargeCommand } from "./commands/discharge.ts";
import { holderCommand } from "./commands/holder.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { issueCommand } from "./commands/issue.ts";
import { keysCommand, platformsCommand, tokensCommand } from "./commands/lists.ts";
import { loginCommand, logoutCommand } from "./commands/login.ts";
import { attenuateCommand, delegateCommand } from "./commands/narrow.ts";
import { renewCommand } from "./commands/renew.ts";
import { resourcesCommand } from "./commands/resources.ts";
import { revocationsCommand } from "./commands/revocations.ts";
import { revokeCommand } from "./commands/revoke.ts";
import { statusCommand } from "./commands/status.ts";
import { treeCommand } from "./commands/tree.ts";
import { explainCommand, verifyCommand } from "./commands/verify.ts";
import { CommandError, EXIT, UsageError } from "./exit.ts";
import { commandHelp, mainHelp } from "./help.ts";
import { strangerBehind } from "./service.ts";
import { printText, type Terminal } from "./terminal.ts";
import { gated } from "./visible.ts";

/** A command that runs the service itself; the composition root passes it in. */
export type ServerCommand = Omit<Command, "run"> & { run(invocation: Invocation): Promise<number> };

const CLIENT: readonly Command[] = [
  loginCommand,
  logoutCommand,
  issueCommand,
  renewCommand,
  attenuateCommand,
  delegateCommand,
  holderCommand,
  inspectCommand,
  verifyCommand,
  explainCommand,
  dischargeCommand,
  approvalsCommand,
  revokeCommand,
  revocationsCommand,
  tokensCommand,
  treeCommand,
  platformsCommand,
  resourcesCommand,
  clientsCommand,
  consentsCommand,
  keysCommand,
  auditCommand,
  statusCommand,
];

const COMMON: Readonly<Record<string, OptionSpec>> = {
  json: { type: "boolean", help: "print JSON" },
  help: { type: "boolean", short: "h", help: "show this" },
};

/**
 * Runs one command line.
 *
 * @param server the commands that run the service
 * @returns the exit code; nothing is thrown but faults
 */
export async function runCommandLine(
  args: readonly string[],
  options: {
    readonly terminal: Terminal;
    readonly server: readonly ServerCommand[];
    readonly version: string;
  },
): Promise<number> {
  const { server, version } = options;
  const terminal = gated(options.terminal);
  const all: Command[] = [...server, ...CLIENT];
  all.push(completionCommand(() => all));
  const [name, ...rest] = commandFirst(args);
  if (name === "--version") {
    terminal.print(version);
    return EXIT.done;
  }
  if (name === "--help" || name === "-h" || name === "help") {
    const about = all.find((command) => command.name === rest[0]);
    printText(terminal, about === undefined ? mainHelp(all, version) : commandHelp(about, COMMON));
    return EXIT.done;
  }
  try {
    const command = all.find((candidate) => candidate.name === name);
    if (command === undefined) throw new UsageError(unknownCommand(name, all));
    return await runCommand(command, rest, terminal);
  } catch (error) {
    const { exit, message } = explainFailure(error);
    terminal.say(`bakehouse: ${message}`);
    return exit;
  }
}

/** Options that may stand before the command, and whether a value is behind them. */
const BEFORE: Readonly<Record<string, boolean>> = {
  "--url": true,
  "--credential": true,
  "--insecure-http": false,
  "--json": false,
};

/** The words with the command first: what every command understands may stand before it. */
function commandFirst(args: readonly string[]): readonly string[] {
  let at = 0;
  for (;;) {
    const [option = "", value] = (args[at] ?? "").split("=", 2);
    const takesValue = Object.hasOwn(BEFORE, option) ? BEFORE[option] : undefined;
    if (takesValue === undefined) break;
    at += takesValue && value === undefined ? 2 : 1;
  }
  return at === 0 || at >= args.length
    ? args
    : [...args.slice(at, at + 1), ...args.slice(0, at), ...args.slice(at + 1)];
}

async function runCommand(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parseOptions(command, args);
  if (values["help"] === true) {
    printText(terminal, commandHelp(command, COMMON));
    return EXIT.done;
  }
  const texts = (option: string): readonly string[] => {
    const value = values[option];
    const list = Array.isArray(value) ? value : [value];
    return list.filter((item): item is string => typeof item === "string");
  };
  const invocation: Invocation = {
    terminal,
    positionals,
    json: values["json"] === true,
    text: (option) => texts(option)[0],
    texts,
    flag: (option) => values[option] === true,
  };
  try {
    return await command.run(invocation);
  } catch (error) {
    throw (await strangerBehind(error, invocation)) ?? error;
  }
}

/** The names of the commands that run the service: the package of the client has none of them. */
export const SERVER_COMMANDS: ReadonlySet<string> = new Set([
  "serve",
  "migrate",
  "bootstrap",
  "restore-fence",
  "rewrap",
  "doctor",
]);

/** What other tools call what a command here does. */
const OTHER_WORDS: Readonly<Record<string, string>> = {
  check: "verify",
  create: "issue",
  mint: "issue",
  narrow: "attenuate",
  restrict: "attenuate",
  show: "inspect",
  decode: "inspect",
  whoami: "status",
  why: "explain",
  approve: "approvals",
  start: "serve",
};

function unknownCommand(name: string | undefined, all: readonly Command[]): string {
  if (name === undefined) return "say what to do; see bakehouse --help";
  if (SERVER_COMMANDS.has(name))
    return `${name} is a command of the package bakehouse-server: npx bakehouse-server ${name}`;
  if (Object.hasOwn(BEFORE, name.split("=", 1)[0] ?? ""))
    return "say what to do behind the options; see bakehouse --help";
  const near = nearest(name, [...all.map((command) => command.name), ...Object.keys(OTHER_WORDS)]);
  // Not the typed text: it may be a token that went into the wrong place.
  const hint = near === undefined ? "" : `; did you mean ${OTHER_WORDS[near] ?? near}?`;
  return `there is no such command: see bakehouse --help${hint}`;
}

/** The meaning of a failure for the person at the command line. A message of unknown origin is not printed. */
function explainFailure(error: unknown): { readonly exit: number; readonly message: string } {
  if (error instanceof UsageError) return { exit: EXIT.usage, message: error.message };
  if (error instanceof CommandError) return { exit: error.exit, message: error.message };
  if (error instanceof TokenError) return { exit: EXIT.failed, message: error.message };
  if (error instanceof BakehouseError) return explainAnswer(error);
  if (!(error instanceof Error)) return { exit: EXIT.failed, message: "failed" };
  if (error.name === "AbortError") return { exit: EXIT.failed, message: "stopped" };
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  if (code?.startsWith("ERR_PARSE_ARGS")) return { exit: EXIT.usage, message: optionMessage(error.message) };
  throw error;
}

/** Ids and thumbprints, 16 and 32 bytes in base64url: one in 64 begins with a dash, and is no option for that. */
const BYTES_WITH_DASH = /^-(?:[A-Za-z0-9_-]{21}|[A-Za-z0-9_-]{42})$/;

/** Writes such a value with its option as one word, as which alone it can be told from an option. */
function joined(args: readonly string[], options: Readonly<Record<string, OptionSpec>>): string[] {
  const words: string[] = [];
  for (const word of args) {
    const option = words.at(-1) ?? "";
    const takesText = option.startsWith("--") && options[option.slice(2)]?.type === "string";
    if (takesText && BYTES_WITH_DASH.test(word)) words[words.length - 1] = `${option}=${word}`;
    else words.push(word);
  }
  return words;
}

function parseOptions(command: Command, args: readonly string[]) {
  const options = { ...COMMON, ...command.options };
  try {
    return parseArgs({ args: joined(args, options), allowPositionals: true, options });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION"))
      throw error;
    const said = optionMessage(error.message);
    const typed = /'--([a-z-]+)'/.exec(said)?.[1];
    const near = typed === undefined ? undefined : nearest(typed, Object.keys(options));
    throw new UsageError(
      `${said}: ${near === undefined ? `see bakehouse ${command.name} --help` : `did you mean --${near}?`}`,
    );
  }
}

/**
 * Only the part before the hint on `--`, which helps nobody here. What was typed is not repeated unless it looks like an
 * option: it may be a token behind two hyphens.
 */
function optionMessage(message: string): string {
  const typed = /'([^']*)'/.exec(message)?.[1] ?? "";
  if (!/^--?[a-z][a-z-]{0,30}(?:$|[ ,])/.test(typed)) return "there is no such option";
  const [first = message] = message.split(". To specify");
  return `${first.charAt(0).toLowerCase()}${first.slice(1)}`.replace(/\.$/, "");
}

/** The word of the command line for a member of a request. */
function memberWord(member: string): string {
  if (member.startsWith("on_behalf_of")) return "--on-behalf-of";
  const [, list, at] = /^(caveats|third_party_caveats|targets)\[(\d+)\]/.exec(member) ?? [];
  const place = at === undefined || at === "0" ? "" : ` ${Number(at) + 1}`;
  if (list === "caveats") return `caveat${place}`;
  if (list === "third_party_caveats") return `--third-party${place}`;
  if (list === "targets") return member.endsWith(".token") ? "the token" : `target${place}`;
  return OPTION_OF[member] ?? member;
}

const OPTION_OF: Readonly<Record<string, string>> = {
  ttl: "--ttl",
  label: "--label",
  platform: "--platform",
  public_reason: "--public-reason",
  min_sequence: "--min-sequence",
};

function explainAnswer(error: BakehouseError): { readonly exit: number; readonly message: string } {
  const { code, message, member, requestId, status } = error;
  const about = member === undefined ? message : `${memberWord(member)}: ${message}`;
  switch (code) {
    case "unreachable":
      return {
        exit: EXIT.unavailable,
        message: `${message}: is it started, and is that its address (--url, else BAKEHOUSE_URL, else that of your login)?`,
      };
    case "timeout":
    case "unavailable":
    case "rate_limited":
      return { exit: EXIT.unavailable, message };
    case "denied":
      return { exit: EXIT.refused, message: `denied: ${message}` };
    case "gone":
      return { exit: EXIT.unavailable, message: `too late: ${message}` };
    case "bad_answer":
      return { exit: EXIT.unavailable, message: `${message}: is that address a Bakehouse?` };
    case "unauthenticated":
      return {
        exit: EXIT.unauthorised,
        message: `${message}: bakehouse login, or another --credential; a token that was issued to somebody is none`,
      };
    case "forbidden":
      return { exit: EXIT.unauthorised, message };
    case "invalid_request":
      return { exit: EXIT.usage, message: about };
    default: {
      const id =
        status !== undefined && status >= 500 && requestId !== undefined ? ` (request ${requestId})` : "";
      return { exit: EXIT.failed, message: `${about}${id}` };
    }
  }
}

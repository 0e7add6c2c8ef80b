import type { Command, OptionSpec } from "./command.ts";
import { EXIT_HELP } from "./exit.ts";
import { columns } from "./show.ts";

/** The text of `bakehouse --help`. */
export function mainHelp(commands: readonly Command[], version: string): string {
  return [
    `bakehouse ${version}: macaroons for AI agents`,
    "",
    ...columns(commands.map(({ name, summary }) => [`  bakehouse ${name}`, summary])),
    "",
    "bakehouse COMMAND --help says more. Data goes to standard output, all talk to standard error.",
    "",
    "  BAKEHOUSE_URL              the service, http://127.0.0.1:8080 unless set or logged in elsewhere",
    "  BAKEHOUSE_TOKEN            the token that a command works on",
    "  BAKEHOUSE_INSECURE_HTTP    true where plain http to another machine will do, as inside a cluster",
    "  BAKEHOUSE_CREDENTIAL_FILE  a file with the credential to call with, instead of your login",
    "",
    commands.some(({ name }) => name === "serve")
      ? "The service's own variables are described in src/run/README.md. Exit codes:"
      : "The service is a package of its own: npx bakehouse-server serve. Exit codes:",
    ...EXIT_HELP.map((line) => `  ${line}`),
  ].join("\n");
}

/** The text of `bakehouse COMMAND --help`. */
export function commandHelp(command: Command, common: Readonly<Record<string, OptionSpec>>): string {
  const options = Object.entries({ ...command.options, ...common }).map(([name, spec]) => [
    `  --${name}${spec.short === undefined ? "" : `, -${spec.short}`}${spec.value === undefined ? "" : ` ${spec.value}`}`,
    `${spec.help}${spec.multiple === true ? "; may be repeated" : ""}`,
  ]);
  return [
    `bakehouse ${`${command.name} ${command.usage}`.trim()}`,
    "",
    `${command.summary.charAt(0).toUpperCase()}${command.summary.slice(1)}.`,
    ...(command.details ?? []),
    "",
    ...columns(options),
  ].join("\n");
}

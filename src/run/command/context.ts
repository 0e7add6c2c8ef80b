import { type Config, parseConfig } from "../../config.ts";
import { NODE } from "../package.ts";
import { explainFailure, UsageError } from "../start-failure.ts";

/** The surroundings of a command of the service. */
export interface CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Prints a line for people. */
  readonly say: (line: string) => void;
  /** The version of Node that this runs on. */
  readonly node: string;
}

/**
 * Does a command's work with the settings, once it has printed the warnings that belong to them.
 *
 * @throws StartFailure which says all that went wrong
 */
export async function withConfig(
  { environment, say, node }: CommandContext,
  work: (config: Config) => Promise<void>,
): Promise<void> {
  let config: Config | undefined;
  try {
    requireNode(node);
    config = parseConfig(environment);
    for (const warning of config.warnings) say(`bakehouse: warning: ${warning}`);
    await work(config);
  } catch (error) {
    throw await explainFailure(error, config);
  }
}

/**
 * Says why a command of the service failed, each fault in a line of its own.
 *
 * @returns the process's exit code
 */
export async function sayFailure(
  { say }: Pick<CommandContext, "say">,
  error: unknown,
  config?: Config,
): Promise<number> {
  const { lines, exit } = await explainFailure(error, config);
  for (const line of lines) say(`bakehouse: ${line}`);
  return exit;
}

function requireNode(version: string): void {
  if (Number.parseInt(version, 10) >= NODE) return;
  throw new UsageError(
    `the service runs on Node ${NODE} or later, and this is ${version}: install one; the client's commands run on this one`,
  );
}

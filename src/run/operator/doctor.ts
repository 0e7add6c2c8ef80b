import { ConfigError } from "../../config/environment.ts";
import { type Config, parseConfig } from "../../config.ts";
import { NODE } from "../package.ts";
import { databaseFindings } from "./database.ts";
import { about, type Finding } from "./finding.ts";
import { issuerFindings } from "./issuers.ts";
import { webhookFindings } from "./webhook.ts";

/** The surroundings that are looked at. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The version of Node that this runs on. */
  readonly node: string;
}

/**
 * Looks at everything that the service needs, and changes nothing: one finding a check, in a fixed order. A check that was
 * left out because of an earlier finding is said, too. Never rejects for a fault that it finds.
 */
export async function examine({ environment, node }: Surroundings): Promise<readonly Finding[]> {
  const { config, findings } = readSettings(environment);
  const beginning = [nodeFinding(node), ...findings];
  if (config === undefined) return beginning;
  // Each waits for others; none needs what another one finds.
  const rest = await Promise.all([databaseFindings(config), issuerFindings(config), webhookFindings(config)]);
  return [...beginning, ...rest.flat()];
}

function nodeFinding(version: string): Finding {
  const { ok, failed } = about("node");
  return Number.parseInt(version, 10) >= NODE
    ? ok(`version ${version}`)
    : failed(`version ${version}`, `the service runs on Node ${NODE} or later: install one`);
}

function readSettings(environment: Surroundings["environment"]): {
  readonly config?: Config;
  readonly findings: readonly Finding[];
} {
  const { ok, warning, failed, skipped } = about("configuration");
  try {
    const config = parseConfig(environment);
    const warnings = config.warnings.map((text) => warning(text));
    return { config, findings: warnings.length > 0 ? warnings : [ok("read, and nothing is wrong with it")] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      findings: [
        ...error.problems.map((text) => failed(text)),
        ...error.warnings.map((text) => warning(text)),
        skipped("nothing else was looked at: it depends on these settings"),
      ],
    };
  }
}

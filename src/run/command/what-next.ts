import { existsSync } from "node:fs";
import { relative, resolve } from "node:path";

import type { Config } from "../../config.ts";

/** Where the command line looks for the service, unless it is told. */
const USUAL_URL = "http://127.0.0.1:8080";

/**
 * The next steps of somebody who has just started the service on its embedded database: where to sign in, three commands to
 * paste, and where the credential lies that they use. Nothing, where there is no such credential.
 *
 * @param folder where the commands are going to be pasted: this process's own
 */
export function whatNext(
  { publicUrl, dataDir, databaseUrl, oidc }: Pick<Config, "publicUrl" | "dataDir" | "databaseUrl" | "oidc">,
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): readonly string[] {
  const file = resolve(folder, dataDir, "default.token");
  if (databaseUrl !== undefined || !existsSync(file)) return [];
  const credential = shortest(file, folder);
  // In a checkout, and wherever npm runs it, the command is not on the PATH.
  const command = environment["npm_lifecycle_event"] === undefined ? "bakehouse" : "npx bakehouse";
  const url = publicUrl === USUAL_URL ? "" : ` --url ${publicUrl}`;
  const asPlatform = `--credential ${quoted(credential)}${url}`;
  const asAnyone = oidc.kind === "development" ? " as anyone" : "";
  return [
    `bakehouse: what next: sign in${asAnyone} at ${publicUrl}/, or paste this in a second terminal, in the same folder:`,
    `  ${command} issue 'action in read, list' --on-behalf-of alice ${asPlatform} -o root.token --force`,
    `  ${command} delegate scraper 'action = read' --ttl 15m --token root.token -o scraper.token --force`,
    `  ${command} verify action=read --token scraper.token ${asPlatform}`,
    `bakehouse: ${credential} is the credential of the platform "default", admin.token beside it an administrator's`,
  ];
}

/** The path as somebody in that folder writes it. */
function shortest(path: string, folder: string): string {
  const inside = relative(folder, path);
  return inside.startsWith("..") ? path : inside;
}

/** A word of a POSIX shell's line. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

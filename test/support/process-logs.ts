import { appendFileSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Environment variable that names a folder in which a test run keeps the whole output of every service it
 * started, and in `secrets` what must not occur in any of it.
 */
export const LOGS_FOLDER = "BAKEHOUSE_TEST_LOGS";

const SECRETS = "secrets";

/** Where the output of a process goes; undefined if nobody collects it. */
export function logFile(pid: number): string | undefined {
  const folder = process.env[LOGS_FOLDER];
  return folder === undefined ? undefined : join(folder, `${pid}-${Date.now()}.log`);
}

/** Notes that no output may ever hold this. It is base64url of the secret's bytes, or text that is used as it is. */
export function noteSecret(secret: string): void {
  const folder = process.env[LOGS_FOLDER];
  if (folder !== undefined) appendFileSync(join(folder, SECRETS), `${secret}\n`);
}

/** The output that was collected, by file, and the secrets that were noted. */
export function readLogs(folder: string): {
  readonly logs: ReadonlyMap<string, Uint8Array>;
  readonly secrets: readonly string[];
} {
  const names = readdirSync(folder);
  const logs = new Map(
    names.filter((name) => name.endsWith(".log")).map((name) => [name, readFileSync(join(folder, name))]),
  );
  const text = names.includes(SECRETS) ? readFileSync(join(folder, SECRETS), "utf8") : "";
  return { logs, secrets: [...new Set(text.split("\n").filter((line) => line !== ""))] };
}

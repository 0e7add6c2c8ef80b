import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { LOGS_FOLDER, noteSecret, readLogs } from "../support/process-logs.ts";
import { createSearch, type Secret } from "./search.ts";

const CANARY_LOG = "canary.log";

/** Of a token only its signature: in whatever form the token is written, that is in it. */
function powerOf(noted: string, index: number): Secret {
  return { name: `secret ${index + 1}`, bytes: Buffer.from(noted, "base64url").subarray(-32) };
}

/**
 * Keeps the whole output of every service that a test run starts as a process, and at the end of the run
 * searches it for every secret that a test has seen. The run fails where one is found, and where the canary,
 * planted at the start, is not.
 */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-test-logs-"));
  process.env[LOGS_FOLDER] = folder;
  const canary = randomBytes(32).toString("base64url");
  noteSecret(canary);
  writeFileSync(join(folder, CANARY_LOG), `{"level":10,"detail":"${canary}"}\n`);

  return () => {
    try {
      const problem = judge(folder);
      if (problem === undefined) return;
      // Not thrown: the other teardowns, which drop databases, would be left out.
      process.stderr.write(`FAILED: ${problem}\n`);
      process.exitCode = 1;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

/** Searches what was kept. @returns what is wrong */
function judge(folder: string): string | undefined {
  const { logs, secrets } = readLogs(folder);
  const search = createSearch(secrets.map(powerOf));
  const found = [...logs].flatMap(([name, log]) =>
    search.in(log).map(({ secret, form }) => ({ name, line: `${secret} as ${form} in ${name}` })),
  );
  if (!found.some(({ name }) => name === CANARY_LOG)) return "the planted canary was not found";
  const leaks = found.filter(({ name }) => name !== CANARY_LOG).map(({ line }) => line);
  if (leaks.length > 0) return `secrets in the output of processes: ${leaks.slice(0, 20).join("; ")}`;
  const size = [...logs.values()].reduce((sum, log) => sum + log.length, 0);
  process.stdout.write(
    `${logs.size - 1} processes wrote ${size} bytes: none of ${secrets.length - 1} secrets is in them\n`,
  );
  return undefined;
}

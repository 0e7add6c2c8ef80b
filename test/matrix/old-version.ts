import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { BESIDE_OLD } from "../drills/failover/beside-old.ts";
import { madeOnce } from "../support/made-once.ts";
import { debianBinaries } from "../support/postgres-server.ts";
import { builtBundle } from "../support/process-bundle.ts";
import type { Outcome } from "./suites.ts";

/** The last commit of version 0.1.0. */
const COMMIT = "c95bc44";

const ROOT = join(import.meta.dirname, "..", "..");

/** Whether the sources of 0.1.0 are in this clone: one of the last commits alone has none. */
export function hasOldVersion(): boolean {
  return spawnSync("git", ["cat-file", "-e", `${COMMIT}^{commit}`], { cwd: ROOT }).status === 0;
}

/** Builds the command of 0.1.0, once, where it finds its packages: they are those of this version, and one more. */
function buildOldVersion(): string {
  const cache = join(ROOT, "node_modules", ".cache", "bakehouse");
  mkdirSync(cache, { recursive: true });
  const folder = madeOnce(join(cache, COMMIT), process.getuid?.() ?? 0, (made) => {
    run("sh", ["-c", `git archive ${COMMIT} | tar x -C "$0"`, made]);
    run(process.execPath, [join(made, "src", "build.ts"), join(made, "dist")]);
  });
  return join(folder, "dist", "bakehouse.js");
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}

/** Runs 0.1.0 beside this version on one database: before, during and after an upgrade that is taken back. */
export async function besideOldVersion(): Promise<Outcome> {
  const options = { script: builtBundle(), old: buildOldVersion(), binaries: debianBinaries() };
  const failures: string[] = [];
  for (const { name, run: drill } of BESIDE_OLD) {
    const outcome = await drill(options);
    if (outcome === undefined) failures.push(`${name}: not run`);
    else if (outcome.wrong > 0) failures.push(`${name}: ${outcome.wrong} revoked tokens were allowed`);
    failures.push(...(outcome?.faults ?? []).map((fault) => `${name}: ${fault}`));
  }
  return { passed: failures.length === 0 ? BESIDE_OLD.length : 0, failures };
}

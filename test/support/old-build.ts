import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";

import { scratchFolder } from "./scratch.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The last commit of version 0.1.0. A clone need not have tags. */
export const VERSION_0_1_0 = "c95bc44";

/** Whether the sources of a commit are in this clone: one of the last commits alone has few. */
export function hasCommit(commit: string): boolean {
  return spawnSync("git", ["cat-file", "-e", `${commit}^{commit}`], { cwd: ROOT }).status === 0;
}

function done(command: string, args: readonly string[], input?: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, input, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stderr?.toString() ?? ""}`);
  return stdout;
}

/**
 * Builds the command of an earlier commit with the packages of this one. It lies outside of `node_modules`: Node strips no
 * types there, and a build script is TypeScript.
 *
 * @returns the script
 * @throws Error if this clone lacks the commit
 */
export function buildCommit(commit: string): string {
  if (!hasCommit(commit)) throw new Error(`commit ${commit} is not in this clone: git fetch --unshallow`);
  const folder = scratchFolder("earlier");
  done("tar", ["-x", "-C", folder], done("git", ["archive", commit]));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  done(process.execPath, [join(folder, "src", "build.ts"), join(folder, "built")]);
  return join(folder, "built", "bakehouse.js");
}

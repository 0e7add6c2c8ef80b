import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";

import { scratchFolder } from "./scratch.ts";

const ROOT = join(import.meta.dirname, "..", "..");

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
 */
export function buildCommit(commit: string): string {
  const folder = scratchFolder("earlier");
  done("tar", ["-x", "-C", folder], done("git", ["archive", commit]));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  done(process.execPath, [join(folder, "src", "build.ts"), join(folder, "built")]);
  return join(folder, "built", "bakehouse.js");
}

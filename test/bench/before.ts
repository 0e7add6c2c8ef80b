import { spawnSync } from "node:child_process";
import { symlinkSync } from "node:fs";
import { join } from "node:path";

import { scratch } from "./service.ts";

const ROOT = join(import.meta.dirname, "..", "..");

function done(command: string, args: readonly string[], input?: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, input, maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${command} ${args[0]} failed: ${stderr?.toString() ?? ""}`);
  return stdout;
}

/**
 * Builds the service as it was in the commit before the one that brought a file.
 *
 * @param file its path in the repository
 * @returns the script; undefined if the history is not at hand
 */
export function bundleBefore(file: string): string | undefined {
  const added = spawnSync("git", ["log", "--diff-filter=A", "--format=%H", "--", file], {
    cwd: ROOT,
    encoding: "utf8",
  });
  const commit = added.stdout?.trim().split("\n").at(-1) ?? "";
  if (commit === "" || spawnSync("git", ["cat-file", "-e", `${commit}~1`], { cwd: ROOT }).status !== 0)
    return undefined;
  const folder = scratch();
  done("tar", ["-x", "-C", folder], done("git", ["archive", `${commit}~1`]));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  done(process.execPath, [join(folder, "src", "build.ts"), "built"]);
  return join(folder, "built", "bakehouse.js");
}

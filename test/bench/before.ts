import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { buildCommit, hasCommit } from "../support/old-build.ts";

const ROOT = join(import.meta.dirname, "..", "..");

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
  return commit === "" || !hasCommit(`${commit}~1`) ? undefined : buildCommit(`${commit}~1`);
}

import { execFileSync } from "node:child_process";

import { ROOT } from "./areas.ts";

/**
 * Files that differ from where this branch left `base`, those not committed yet and new ones included.
 *
 * @throws Error for a base that git does not know
 */
export function changedSince(base: string): readonly string[] {
  const git = (...parameters: string[]) =>
    execFileSync("git", parameters, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const start = git("merge-base", base, "HEAD").trim();
  const listed = git("diff", "--name-only", "-z", "--diff-filter=d", start);
  const untracked = git("ls-files", "--others", "--exclude-standard", "-z");
  return [...new Set(`${listed}${untracked}`.split("\0").filter((file) => file !== ""))].sort();
}

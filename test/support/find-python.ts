import { spawnSync } from "node:child_process";

/** The oldest Python 3 that the library for Python runs on, by its minor version. */
const OLDEST_MINOR = 10;

/** The command of a Python that runs the library for Python; undefined if none is installed. */
export function findPython(): string | undefined {
  const { status, stdout } = spawnSync("python3", ["-c", "import sys; print(*sys.version_info[:2])"], {
    encoding: "utf8",
  });
  if (status !== 0) return undefined;
  const [major, minor = 0] = stdout.trim().split(" ").map(Number);
  return major === 3 && minor >= OLDEST_MINOR ? "python3" : undefined;
}

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The oldest Node that runs the client's commands and the library. */
export const OLDEST = 20;

/** Further programs called node, by their version: this machine's own, and those that a developer names. */
export function othersByVersion(): ReadonlyMap<string, string> {
  const folders = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    "/usr/local/bin",
    "/usr/bin",
    ...(process.env["BAKEHOUSE_TEST_NODES"] ?? "").split(delimiter),
  ].filter((folder) => folder !== "");
  const found = new Map<string, string>();
  for (const path of new Set(folders.map((folder) => join(folder, "node")))) {
    try {
      accessSync(path, constants.X_OK);
    } catch {
      continue;
    }
    const version = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout.trim();
    const major = Number(/^v(\d+)\./.exec(version)?.[1]);
    if (major >= OLDEST && version !== process.version && !found.has(version)) found.set(version, path);
  }
  return found;
}

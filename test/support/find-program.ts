import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

// Debian keeps servers there, which is not on every user's path.
const SERVERS = ["/usr/sbin", "/usr/local/sbin"];

/** The path of the first of some programs that is installed; undefined if none is. */
export function findProgram(...names: readonly string[]): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SERVERS];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

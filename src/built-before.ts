import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";

/** All that a build reads: its own code and settings, and the versions of the packages that it bundles. */
const INPUTS = ["src/**/*", "migrations/**/*", "openapi.yaml", "LICENSE", "*.json"];

const STAMP = ".built-of";

async function filesOf(folder: string, patterns: readonly string[]): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const entry of glob([...patterns], { cwd: folder, withFileTypes: true })) {
    if (entry.isFile()) found.push(relative(folder, join(entry.parentPath, entry.name)));
  }
  return found.sort();
}

/** @returns a hash over the names and bytes of all that a build of a checkout reads, and the Node that builds */
export async function inputsOf(root: string): Promise<string> {
  const hash = createHash("sha256").update(process.version);
  for (const name of await filesOf(root, INPUTS)) {
    const bytes = await readFile(join(root, name));
    hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

/** Whether a folder holds the whole build of these inputs. */
export async function isBuiltOf(folder: string, inputs: string): Promise<boolean> {
  const stamp = join(folder, STAMP);
  if (!existsSync(stamp)) return false;
  const [of, ...files] = (await readFile(stamp, "utf8")).split("\n");
  return of === inputs && files.every((name) => existsSync(join(folder, name)));
}

/** Notes what a folder was built of. It is the last step of a build: one that was interrupted is begun again. */
export async function noteBuilt(folder: string, inputs: string): Promise<void> {
  const files = await filesOf(folder, ["**/*"]);
  await writeFile(join(folder, STAMP), [inputs, ...files].join("\n"));
}

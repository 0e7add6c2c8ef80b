import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

import { madeOnce } from "./made-once.ts";

const ROOT = join(import.meta.dirname, "..", "..");
// Below the package, as `dist` is, so that what is not bundled and the migrations are found. Below node_modules Node would
// not know that these are modules, and compile each twice to find out: a quarter of what a start of the service costs.
const CACHE = join(ROOT, ".cache", "tests");
const DAY = 24 * 60 * 60_000;
const SCRIPT = "bakehouse.js";

/** A file, or all files below a folder, in a steady order. */
export function filesOf(folder: string): readonly string[] {
  if (statSync(folder).isFile()) return [folder];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}

/**
 * Builds the service as `npm run build` does, into a folder of its own, and returns the script. What was
 * built from the same sources before is used again.
 *
 * @param library whether to build what other programs import, and its types, too
 * @param entry the script that is bundled with all it needs: the command itself, or a test's own
 */
export function builtBundle(entry = "src/main.ts", library: "library" | "" = ""): string {
  const sources = createHash("sha256").update(entry);
  const folders = [...new Set(["src", entry.startsWith("src/") ? "src" : dirname(entry)])];
  const files = [join(ROOT, "package.json"), ...folders.flatMap((folder) => filesOf(join(ROOT, folder)))];
  for (const file of files) sources.update(file).update("\0").update(readFileSync(file));
  const alone = join(CACHE, sources.digest("hex").slice(0, 24));
  const whole = `${alone}-library`;
  const out = library === "" ? alone : whole;
  // One that has the library beside it is the same script.
  for (const made of [whole, out]) if (existsSync(made)) return join(made, SCRIPT);
  mkdirSync(CACHE, { recursive: true });
  for (const old of readdirSync(CACHE)) {
    const path = join(CACHE, old);
    if (Date.now() - statSync(path).mtimeMs > DAY) rmSync(path, { recursive: true, force: true });
  }
  madeOnce(out, process.getuid?.() ?? 0, (folder) => {
    const built = spawnSync(process.execPath, [join(ROOT, "src", "build.ts"), folder, entry, library], {
      encoding: "utf8",
    });
    if (built.status !== 0) throw new Error(`the build failed: ${built.stderr}`);
  });
  return join(out, SCRIPT);
}

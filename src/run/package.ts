import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import manifest from "../../package.json" with { type: "json" };

/** This package's version. */
export const VERSION: string = manifest.version;

/** The package's own folder, whether this runs from the sources or from the bundle in `dist`. */
const PACKAGE_ROOT = findRoot(dirname(fileURLToPath(import.meta.url)));

function findRoot(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error("the package's own folder was not found");
  return findRoot(parent);
}

/** The text of the API's description. */
export function readOpenapi(): string {
  return readFileSync(join(PACKAGE_ROOT, "openapi.yaml"), "utf8");
}

/** The folder with the files of the API's rendered description: copied by the build, or the package they come from. */
export function docsFolder(): string {
  const built = join(PACKAGE_ROOT, "dist", "docs");
  if (existsSync(built)) return built;
  return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
}

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import manifest from "../../package.json" with { type: "json" };

/** The oldest version of Node that runs the service. */
export const NODE = 26;

/** This package's version. */
export const VERSION: string = manifest.version;

/** The package's own folder, whether this runs from the sources or from the bundle in `dist`. */
function packageRoot(folder = dirname(fileURLToPath(import.meta.url))): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new PackageError("package.json");
  return packageRoot(parent);
}

/** A file of this package is not where it belongs. The message names it and the cure. */
class PackageError extends Error {
  override readonly name = "PackageError";

  constructor(file: string) {
    super(
      `this package is not whole, ${file} is missing: install it anew, or \`npm run build\` in a checkout`,
    );
  }
}

/** The text of the API's description. */
export function readOpenapi(): string {
  try {
    return readFileSync(join(packageRoot(), "openapi.yaml"), "utf8");
  } catch (error) {
    throw error instanceof PackageError ? error : new PackageError("openapi.yaml");
  }
}

/** The folder with the files of the API's rendered description: copied by the build, or the package they come from. */
export function docsFolder(): string {
  const built = join(packageRoot(), "dist", "docs");
  if (existsSync(built)) return built;
  try {
    return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  } catch {
    throw new PackageError("dist/docs");
  }
}

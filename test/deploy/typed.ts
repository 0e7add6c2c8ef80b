import { spawnSync } from "node:child_process";
import { rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { scratchFolder } from "../support/scratch.ts";

/**
 * What the compiler says against some values, each written out as what its type has it: a member that is missing, of
 * another kind, or unknown. Empty where it says nothing.
 *
 * @param declarations imports of types, by packages of this repository, and constants of those types
 */
export function typeProblems(declarations: string): string {
  const folder = scratchFolder("typed");
  const { resolve } = createRequire(import.meta.url);
  try {
    symlinkSync(join(import.meta.dirname, "../../node_modules"), join(folder, "node_modules"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    writeFileSync(join(folder, "values.ts"), declarations);
    const compilerOptions = { strict: true, noEmit: true, module: "nodenext", types: [], skipLibCheck: true };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["values.ts"] }));
    const tsc = join(dirname(resolve("typescript/package.json")), "bin", "tsc");
    return spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" }).stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

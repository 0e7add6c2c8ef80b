import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { ROOT, read } from "./areas.ts";
import { applyEdits, type Mutant } from "./mutant.ts";

const run = promisify(execFile);

/** Says which mutants could be committed: what the compiler refuses is no fault that a test would have to find. */
export interface Compiler {
  readonly accepts: (mutant: Mutant) => Promise<boolean>;
  /** Removes what it works on. */
  readonly close: () => void;
}

/** A compiler that works on a copy of the sources in a temporary folder, on one mutant after the other. */
export function createCompiler(): Compiler {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-mutants-"));
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  let last: Promise<unknown> = Promise.resolve();

  async function compiles({ file, edits }: Mutant): Promise<boolean> {
    const top = file.split("/")[0] ?? "";
    if (!existsSync(join(folder, top))) cpSync(join(ROOT, top), join(folder, top), { recursive: true });
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(ROOT, "tsconfig.json"),
        // A name that a mutant no longer uses is no fault of its own.
        compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
        include: [],
        files: [file],
      }),
    );
    writeFileSync(join(folder, file), applyEdits(read(file), edits));
    try {
      await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", folder]);
      return true;
    } catch (error) {
      // A compiler that could not run has said nothing about the mutant.
      if (error instanceof Error && "code" in error && (error.code === 1 || error.code === 2)) return false;
      throw error;
    } finally {
      writeFileSync(join(folder, file), read(file));
    }
  }

  return {
    accepts(mutant) {
      const next = last.then(() => compiles(mutant));
      last = next.catch(() => {});
      return next;
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { ROOT, read } from "./areas.ts";
import { applyEdits, type Mutant } from "./mutant.ts";

const run = promisify(execFile);

/**
 * Which of the mutants the compiler takes, so that they could be committed. Those it refuses are no fault that a
 * test would have to find.
 *
 * Works on a copy of the sources in a temporary folder. One mutant of each file is compiled at a time; where the
 * compiler complains, each of them alone.
 */
export async function compiling(mutants: readonly Mutant[]): Promise<ReadonlySet<Mutant>> {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-mutants-"));
  try {
    for (const top of new Set(mutants.map(({ file }) => file.split("/")[0] ?? ""))) {
      cpSync(join(ROOT, top), join(folder, top), { recursive: true });
    }
    cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    const taken = new Set<Mutant>();
    let left = [...mutants];
    while (left.length > 0) {
      const round = [...new Map(left.map((mutant) => [mutant.file, mutant])).values()];
      left = left.filter((mutant) => !round.includes(mutant));
      if (await compiles(folder, round)) for (const mutant of round) taken.add(mutant);
      else if (round.length > 1) {
        for (const mutant of round) if (await compiles(folder, [mutant])) taken.add(mutant);
      }
    }
    return taken;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function compiles(folder: string, mutants: readonly Mutant[]): Promise<boolean> {
  for (const { file, edits } of mutants) writeFileSync(join(folder, file), applyEdits(read(file), edits));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(ROOT, "tsconfig.json"),
      // A name that a mutant no longer uses is no fault of its own.
      compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
      include: [],
      files: mutants.map(({ file }) => file),
    }),
  );
  try {
    await run(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", folder]);
    return true;
  } catch (error) {
    // A compiler that could not run has said nothing about the mutants.
    if (error instanceof Error && "code" in error && (error.code === 1 || error.code === 2)) return false;
    throw error;
  } finally {
    for (const { file } of mutants) writeFileSync(join(folder, file), read(file));
  }
}

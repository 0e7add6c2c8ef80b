import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder with what is for the machines that the service runs on. */
export const DEPLOY = join(import.meta.dirname, "../../src/deploy");

/** The text of a file of {@link DEPLOY}. */
export function deployed(path: string): string {
  return readFileSync(join(DEPLOY, path), "utf8");
}

/** What a program says, on both outputs, and whether it ended well. */
export function runProgram(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): { readonly ok: boolean; readonly output: string; readonly stdout: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { ok: status === 0, output: `${stdout}${stderr}`, stdout };
}

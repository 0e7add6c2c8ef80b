import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { findPython } from "../support/find-python.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The folder of the Python library. */
export const LIBRARY = join(ROOT, "src/client/python");

/** The command of a Python that runs the library; undefined if none is installed. */
const PYTHON = findPython();

/** The end of a test's title: where there is no Python the test says so, and shows nothing. */
export const WHERE = PYTHON === undefined ? " (no Python 3.10 or later is installed here: not run)" : "";

/** Whether Python is there; says on standard error where it is not. */
export function hasPython(): boolean {
  if (PYTHON !== undefined) return true;
  process.stderr.write("no Python 3.10 or later on this machine: the Python library was not run\n");
  return false;
}

/** How a program ended. */
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program under Python with the library in its path, and nothing of this process's environment but PATH. */
export async function runPython(
  args: readonly string[],
  options: {
    readonly input?: string;
    readonly env?: Readonly<Record<string, string>>;
    /** Called with each line of standard output as it comes. */
    readonly onLine?: (line: string) => void;
  } = {},
): Promise<Ended> {
  if (PYTHON === undefined) throw new Error("no python");
  const child = spawn(PYTHON, ["-X", "utf8", "-W", "error", ...args], {
    cwd: import.meta.dirname,
    env: {
      PATH: process.env["PATH"] ?? "",
      PYTHONPATH: LIBRARY,
      PYTHONDONTWRITEBYTECODE: "1",
      ...options.env,
    },
  });
  let open = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (chunk: string) => {
    const lines = (open + chunk).split("\n");
    open = lines.pop() ?? "";
    for (const line of lines) options.onLine?.(line);
  });
  child.stdin.end(options.input ?? "");
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code, stdout, stderr };
}

/** A question to answerer.py. */
export type Question = { readonly do: string; readonly [member: string]: unknown };

/** Its answer: the outcome, or the code and message of a `TokenError`. */
export interface PythonAnswer {
  readonly answer?: unknown;
  readonly code?: string;
  readonly detail?: string;
}

/** Puts all questions to one process. */
export async function askPython(questions: readonly Question[]): Promise<readonly PythonAnswer[]> {
  const input = questions.map((question) => `${JSON.stringify(question)}\n`).join("");
  const { code, stdout, stderr } = await runPython(["answerer.py"], { input });
  if (code !== 0) throw new Error(stderr);
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as PythonAnswer);
}

import { spawn } from "node:child_process";

/** One command of a transcript, and what came of it. */
export interface Step {
  readonly notes: readonly string[];
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/**
 * Reads a transcript. `#` begins a note, `$` a command (for sh), `>` a line of standard output, `!` one of
 * standard error, `=` the exit code, which ends the step.
 */
export function parseTranscript(text: string): readonly Step[] {
  const steps: Step[] = [];
  let notes: string[] = [];
  let command: string | undefined;
  let stdout = "";
  let stderr = "";
  for (const line of text.split("\n")) {
    const rest = line.slice(2);
    if (line.startsWith("#")) notes.push(line);
    else if (line.startsWith("$ ")) command = command === undefined ? rest : `${command}\n${rest}`;
    else if (line.startsWith(">")) stdout += `${rest}\n`;
    else if (line.startsWith("!")) stderr += `${rest}\n`;
    else if (line.startsWith("= ") && command !== undefined) {
      steps.push({ notes, command, stdout, stderr, code: Number(rest) });
      notes = [];
      command = undefined;
      stdout = "";
      stderr = "";
    } else if (line !== "") throw new Error(`not a line of a transcript: ${line}`);
  }
  return steps;
}

export function printTranscript(steps: readonly Step[]): string {
  const marked = (mark: string, text: string) =>
    text === ""
      ? []
      : text
          .replace(/\n$/, "")
          .split("\n")
          .map((line) => `${mark} ${line}`.trimEnd());
  return `${steps
    .map(({ notes, command, stdout, stderr, code }) =>
      [...notes, ...marked("$", command), ...marked(">", stdout), ...marked("!", stderr), `= ${code}`].join(
        "\n",
      ),
    )
    .join("\n\n")}\n`;
}

const VARYING: readonly (readonly [RegExp, string])[] = [
  [/http:\/\/127\.0\.0\.1:\d+/g, "URL"],
  [/\/tmp\/[\w./-]+/g, "PATH"],
  [/(?<![\w-])[A-Za-z0-9_-]{120,}/g, "TOKEN"],
  [/(?<![\w-])[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048](?![\w-])/g, "KEY"],
  [/(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)/g, "TIME"],
  [/\b[0-9a-f]{32}-[0-9a-f]{16}-\d+/g, "SEQUENCE"],
  [/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID"],
  [/(?<![\w-])[A-Za-z0-9_-]{21}[AQgw](?![\w-])/g, "REVOCATION-ID"],
  [/(?<![\w-])(?!bakehouse-server)(?=[A-Za-z0-9_-]*[A-Z0-9-])[A-Za-z0-9_-]{16}(?![\w-])/g, "ID"],
  [/#[A-Za-z0-9_-]{12}(?![\w-])/g, "#INSTANCE"],
  [/\b\d{3,4} characters/g, "N characters"],
];

/** The text with what differs from run to run replaced by what it is. */
export function steady(text: string): string {
  return VARYING.reduce((result, [pattern, name]) => result.replace(pattern, name), text);
}

/**
 * Runs a command in a shell.
 *
 * @param watch told of everything that it has said so far
 * @param signal kills the shell and all that it started
 */
export async function runInShell(
  command: string,
  options: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
    readonly watch?: (stderr: string) => void;
    readonly signal?: AbortSignal;
  },
): Promise<Omit<Step, "notes">> {
  // What one command has compiled, the next ones need not: a third of the time that a short one takes.
  const compiled = process.env["NODE_COMPILE_CACHE"];
  const child = spawn("sh", ["-c", command], {
    cwd: options.cwd,
    env: { ...(compiled !== undefined && { NODE_COMPILE_CACHE: compiled }), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: options.signal !== undefined,
  });
  const end = () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  };
  options.signal?.addEventListener("abort", end);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    options.watch?.(stderr);
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve(status ?? -1));
  });
  options.signal?.removeEventListener("abort", end);
  return { command, stdout, stderr, code };
}

import { spawn } from "node:child_process";

/** How a command ended, and its output. */
export interface Said {
  readonly ok: boolean;
  readonly stdout: string;
  /** Both of its outputs. */
  readonly output: string;
}

/** Runs a program and waits for it. Nothing of this process stands still meanwhile. */
export function say(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Said> {
  return new Promise((resolve) => {
    const env = { ...process.env, ...options.env };
    const child = spawn(program, args, { ...options, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.on("error", (error) => resolve({ ok: false, stdout, output: error.message }));
    child.on("close", (code) => resolve({ ok: code === 0, stdout, output }));
  });
}

/** Asks the engine. @returns its standard output @throws Error if it refuses */
export async function docker(...args: readonly string[]): Promise<string> {
  const { ok, stdout, output } = await say("docker", args);
  if (!ok) throw new Error(`docker ${args.slice(0, 3).join(" ")}: ${output.slice(-2_000)}`);
  return stdout.trim();
}

/** How Compose is called here, and for people which version that is; undefined if there is none, or no engine. */
export async function findCompose(): Promise<
  { readonly command: readonly string[]; readonly version: string } | undefined
> {
  if (!(await say("docker", ["version"])).ok) return undefined;
  for (const command of [["docker", "compose"], ["docker-compose"]] as const) {
    const [program, ...args] = command;
    const { ok, stdout } = await say(program, [...args, "version", "--short"]);
    if (ok) return { command, version: stdout.trim() };
  }
  return undefined;
}

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";

import { LOGS_FOLDER, logFile } from "./process-logs.ts";

/** How a process ended. */
export interface Ending {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child process whose every byte of output is kept, unless it was to be thrown away. */
export interface Running {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Standard output so far. */
  stdout(): string;
  /** Standard error so far. */
  stderr(): string;
  /** Both, in the order in which they arrived. */
  output(): Uint8Array;
  /** Writes a line to its standard input. */
  say(line: string): void;
  /** Waits until standard error has this. @throws Error where it ends, or has not said so in time */
  said(text: string, milliseconds?: number): Promise<void>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ending>;
}

/** Settings of a process. */
export interface ProcessOptions {
  /** Nothing of this process's environment is passed on but PATH, HOME, the temporary folder and where logs are kept. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Throws standard output away: what a busy service logs in an hour fits into no memory. */
  readonly isMute?: boolean;
}

// Nothing outlives whoever started it, however that ends.
const living = new Set<ChildProcess>();
process.once("exit", () => endAll("SIGKILL"));

/** Sends a signal to every process that was started here and still runs. */
export function endAll(signal: NodeJS.Signals): void {
  for (const child of living) child.kill(signal);
}

/** Environment variable with flags of Node for every process that is started here, separated by spaces. */
export const NODE_FLAGS = "BAKEHOUSE_TEST_NODE_FLAGS";

/** The flags of {@link NODE_FLAGS}. */
export function nodeFlags(): readonly string[] {
  return (process.env[NODE_FLAGS] ?? "").split(" ").filter((flag) => flag !== "");
}

const PASSED_ON = ["PATH", "HOME", "TMPDIR", "NODE_COMPILE_CACHE", LOGS_FOLDER, NODE_FLAGS];

/** Starts a script under this Node. */
export function run(script: string, args: readonly string[], options: ProcessOptions = {}): Running {
  const inherited = PASSED_ON.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const child = spawn(process.execPath, [...nodeFlags(), script, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...Object.fromEntries(inherited), ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${script} did not start`);
  const kept = { stdout: [] as Buffer[], stderr: [] as Buffer[], all: [] as Buffer[] };
  const file = logFile(pid);
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (chunk: Buffer) => {
      if (options.isMute === true && stream === "stdout") return;
      kept[stream].push(chunk);
      kept.all.push(chunk);
      if (file !== undefined) appendFileSync(file, chunk);
    });
  }
  child.stdin.on("error", () => {}); // it went before it read: its end says more
  const ended = new Promise<Ending>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  const stderr = () => Buffer.concat(kept.stderr).toString();
  let over: Ending | undefined;
  living.add(child);
  void ended.then((ending) => {
    over = ending;
    living.delete(child);
  });

  return {
    pid,
    ended,
    stdout: () => Buffer.concat(kept.stdout).toString(),
    stderr,
    output: () => Buffer.concat(kept.all),
    say: (line) => void child.stdin.write(`${line}\n`),
    async said(text, milliseconds = 150_000) {
      const late = AbortSignal.timeout(milliseconds);
      while (!stderr().includes(text)) {
        if (over !== undefined || late.aborted) {
          const how = over === undefined ? "is silent" : `ended (${over.code ?? over.signal})`;
          throw new Error(`waited for "${text}" of ${pid}, which ${how}: ${stderr().slice(-1_000)}`);
        }
        const more = once(child.stderr, "data", { signal: late }).catch(() => {});
        await Promise.race([more, ended]);
      }
    },
    async end(signal) {
      child.kill(signal);
      return await ended;
    },
  };
}

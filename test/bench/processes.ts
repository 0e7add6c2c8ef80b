import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Whether processes can be tied to cores here, and there are two. */
export const PINNED = availableParallelism() >= 2 && spawnSync("taskset", ["-V"]).status === 0;

/** A program that serves on a port of 127.0.0.1. */
export interface Server {
  readonly port: number;
  readonly pid: number;
  /** Milliseconds from its start until it said that it is ready. */
  readonly startedIn: number;
  /** Resident memory, bytes, of all its processes. */
  memory(): number;
  /** Processor time that it has used since its start, microseconds. Linux alone tells; elsewhere NaN. */
  cpu(): number;
  stop(): Promise<void>;
}

/** What was started and has not ended: it must not outlive whoever measures, however that ends. */
const living = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(1));

/** How to run a program on given cores; "" leaves that to the system, and so does a machine that cannot. */
export function onCores(
  cores: string,
  program: string,
  args: readonly string[],
): readonly [string, readonly string[]] {
  return cores !== "" && PINNED ? ["taskset", ["-c", cores, program, ...args]] : [program, args];
}

/**
 * Starts a script that serves, on core 0, away from the load on core 1, and waits for it to say `ready at`.
 *
 * @param cores other cores; "" to leave that to the system
 */
export async function startServer(
  port: number,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cores = "0",
): Promise<Server> {
  return startProgram(port, process.execPath, args, env, cores);
}

/** As {@link startServer}, any program. */
export async function startProgram(
  port: number,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  cores = "0",
): Promise<Server> {
  const begun = performance.now();
  const [command, rest] = onCores(cores, program, args);
  // To nowhere, as cheaply as to wherever a supervisor would collect it; what is measured includes writing it.
  const child = spawn(command, rest, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  living.add(child);
  child.once("exit", () => living.delete(child));
  await ready(child);
  const startedIn = performance.now() - begun;
  return {
    port,
    pid: child.pid ?? 0,
    startedIn,
    memory: () => residentMemory(child.pid ?? 0),
    cpu: () => processorTime(child.pid ?? 0),
    async stop() {
      if (child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const force = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await gone;
      clearTimeout(force);
    },
  };
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("ready at")) resolve();
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`a server ended before it was ready: ${said.slice(-500)}`)));
  });
}

function processorTime(pid: number): number {
  try {
    // proc_pid_stat(5): user and system time are fields 14 and 15, in hundredths of a second.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) * 10_000;
  } catch {
    return Number.NaN;
  }
}

function residentMemory(pid: number): number {
  const listed = spawnSync("ps", ["-o", "pid=,ppid=,rss=", "-A"], { encoding: "utf8" }).stdout;
  const rows = listed.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  let sum = 0;
  for (const [own, parent, kilobytes = 0] of rows) {
    if (own === pid || parent === pid) sum += kilobytes * 1024;
  }
  return sum;
}

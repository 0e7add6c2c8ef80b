import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";

import { findProgram } from "./find-program.ts";
import { give, identity } from "./postgres-server.ts";
import { freePort } from "./process-service.ts";
import { scratchFolder } from "./scratch.ts";
import { until } from "./until.ts";

/** A pooler in front of a server. */
export interface PgBouncer {
  /** The URL by which the pooler is reached instead of the server. */
  through(url: string): string;
  stop(): Promise<void>;
}

/** Settings of a pooler. */
export interface PgBouncerOptions {
  readonly mode: "session" | "transaction";
  /** The server behind it. */
  readonly server: string;
  /** The users whom it lets in, with their passwords. */
  readonly users: Readonly<Record<string, string>>;
  /** Further settings, as in `pgbouncer.ini`; what is not said is as it ships. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

// Ends the pooler when the process that started it is gone, in whatever way.
const KEEPER = `"$@" >log 2>&1 & pid=$!; read -r _; kill -TERM $pid; wait $pid`;

/** Starts PgBouncer as it ships, but for its mode and the number of its clients. */
export async function startPgBouncer(options: PgBouncerOptions): Promise<PgBouncer> {
  const { mode, server, users, settings = {} } = options;
  const program = findProgram("pgbouncer");
  if (program === undefined) throw new Error("PgBouncer is not installed");
  const folder = scratchFolder("pgbouncer");
  const port = await freePort();
  const behind = new URL(server);
  const all = {
    listen_addr: "127.0.0.1",
    listen_port: port,
    unix_socket_dir: "",
    auth_type: "scram-sha-256",
    auth_file: join(folder, "users"),
    pool_mode: mode,
    max_client_conn: 1_000,
    ...settings,
  };
  write(
    folder,
    "users",
    Object.entries(users).map(([user, password]) => `"${user}" "${password}"`),
  );
  write(folder, "pgbouncer.ini", [
    "[databases]",
    `* = host=${behind.hostname} port=${behind.port}`,
    "[pgbouncer]",
    ...Object.entries(all).map(([name, value]) => `${name} = ${value}`),
  ]);
  give(folder);
  const keeper = spawn("sh", ["-c", KEEPER, "keeper", program, join(folder, "pgbouncer.ini")], {
    ...identity(),
    cwd: folder,
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: process.env["PATH"] },
  });
  keeper.unref();
  await until(async () => {
    if (keeper.exitCode !== null) throw new Error(readFileSync(join(folder, "log"), "utf8"));
    return answers(port);
  });
  return {
    through(url) {
      const other = new URL(url);
      other.hostname = "127.0.0.1";
      other.port = String(port);
      return other.href;
    },
    async stop() {
      await end(keeper);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function write(folder: string, name: string, lines: readonly string[]): void {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join("\n")}\n`, { mode: 0o600 });
  give(file);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
  });
}

async function end(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null) return;
  const gone = new Promise((resolve) => keeper.once("exit", resolve));
  keeper.ref();
  keeper.stdin?.end("\n");
  await gone;
}

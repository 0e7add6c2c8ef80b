import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import { freePort } from "../support/process-service.ts";
import { type Server, startProgram, startServer } from "./processes.ts";

const FOLDER = join(import.meta.dirname, "contenders");
const CACHE = join(import.meta.dirname, "..", "..", "node_modules", ".cache", "bakehouse-bench");
/** Where Debian puts the sources of Go packages. */
const DEBIAN_GO = "/usr/share/gocode";
/** Milliseconds that anything is given to be installed or built: a registry that is not there may not say so. */
const PATIENCE = 120_000;

/** A file of `contenders/`. */
export const contenderFile = (file: string): string => join(FOLDER, file);

/** Starts a server of `contenders/` that answers so many bytes, on core 0 unless said otherwise. */
export async function startContender(
  file: string,
  length: number,
  more: readonly string[] = [],
  cores = "0",
): Promise<Server> {
  const port = await freePort();
  return startServer(port, [contenderFile(file), String(port), String(length), ...more], {}, cores);
}

let npm: boolean | undefined;

/**
 * Installs what only the benchmark needs, into a folder that is ignored, where it is not there already.
 *
 * @returns whether it is there: without a registry it may not be
 */
export function hasNpmContenders(): boolean {
  npm ??= isInstalled() || (install() && isInstalled());
  return npm;
}

function isInstalled(): boolean {
  const require = createRequire(contenderFile("package.json"));
  const { dependencies } = require("./package.json") as { readonly dependencies: Record<string, string> };
  return Object.entries(dependencies).every(([name, version]) => versionOf(name) === version);
}

function install(): boolean {
  process.stderr.write("installing the contenders of the benchmark\n");
  const options = { cwd: FOLDER, timeout: PATIENCE, stdio: "ignore" } as const;
  return spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], options).status === 0;
}

/** The version of a package that a contender uses. */
export function versionOf(name: string): string {
  for (const folder of [FOLDER, join(FOLDER, "..", "..", "..")]) {
    const manifest = join(folder, "node_modules", name, "package.json");
    if (existsSync(manifest)) {
      return (JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string }).version;
    }
  }
  return "none";
}

/** A native program of `contenders/`, built where it was not before. @returns undefined if that is not possible here */
function built(source: string, build: (out: string) => boolean): string | undefined {
  const hash = createHash("sha256")
    .update(readFileSync(contenderFile(source)))
    .digest("hex")
    .slice(0, 16);
  const out = join(CACHE, hash);
  mkdirSync(CACHE, { recursive: true });
  return existsSync(out) || build(out) ? out : undefined;
}

const succeeds = (command: string, args: readonly string[], cwd: string, env = {}): boolean =>
  spawnSync(command, args, { cwd, timeout: PATIENCE, stdio: "ignore", env: { ...process.env, ...env } })
    .status === 0;

/** libmacaroons in C, where its headers are installed (Debian: libmacaroons-dev) and a compiler is. */
export function libmacaroons(): string | undefined {
  return built("libmacaroons.c", (out) =>
    succeeds("cc", ["-O2", "-o", out, "libmacaroons.c", "-lmacaroons"], FOLDER),
  );
}

/** go-macaroon behind net/http, where Go is; the package from Debian (golang-gopkg-macaroon.v2-dev), or fetched by Go. */
export async function startGoMacaroon(length: number, keyHex: string): Promise<Server | undefined> {
  const program = built("go-macaroon/main.go", (out) => {
    const source = `${out}-source`;
    cpSync(contenderFile("go-macaroon"), source, { recursive: true });
    const isThere = existsSync(join(DEBIAN_GO, "src", "gopkg.in", "macaroon.v2"));
    const build = ["build", "-o", out, "main.go"];
    const done = isThere
      ? succeeds("go", build, source, { GO111MODULE: "off", GOPATH: DEBIAN_GO })
      : succeeds("go", ["mod", "tidy"], source) && succeeds("go", build, source);
    rmSync(source, { recursive: true });
    return done;
  });
  if (program === undefined) return undefined;
  const port = await freePort();
  // One core, as the others have: it would start as many threads as there are.
  return startProgram(port, program, [String(port), String(length), keyHex], { GOMAXPROCS: "1" });
}

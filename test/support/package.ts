import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { madeOnce } from "./made-once.ts";
import { builtBundle, filesOf } from "./process-bundle.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** The package in a folder that held nothing before. */
export interface Installed {
  /** The folder; commands are run here. */
  readonly folder: string;
  /** A folder for PATH that has `bakehouse`, and the Node that it needs. */
  readonly bin: string;
  /** The command's script. */
  readonly script: string;
  remove(): void;
}

function npm(args: readonly string[], cwd: string): string {
  const done = spawnSync("npm", args, { cwd, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`npm ${args[0]}: ${done.stderr}`);
  return done.stdout;
}

/** What is packed besides the bundle. */
const OTHERS = ["package.json", "README.md", "LICENSE", "openapi.yaml", "migrations"];

/** The contents of the archive that `npm pack` makes. What was packed from the same files before is used again. */
function packed(): string {
  const dist = dirname(builtBundle("src/main.ts", "library"));
  const hash = createHash("sha256");
  for (const file of OTHERS.flatMap((name) => filesOf(join(ROOT, name)))) {
    hash.update(file).update("\0").update(readFileSync(file));
  }
  const target = `${dist}-packed-${hash.digest("hex").slice(0, 8)}`;
  return madeOnce(target, process.getuid?.() ?? 0, (folder) => {
    const staging = join(folder, "staging");
    mkdirSync(staging);
    for (const name of OTHERS) cpSync(join(ROOT, name), join(staging, name), { recursive: true });
    cpSync(dist, join(staging, "dist"), { recursive: true });
    const archive = npm(["pack", "--silent", "--ignore-scripts"], staging).trim().split("\n").at(-1) ?? "";
    const unpacked = spawnSync("tar", ["-xzf", join(staging, archive), "-C", folder, "--strip-components=1"]);
    if (unpacked.status !== 0) throw new Error("tar failed");
    rmSync(staging, { recursive: true });
  });
}

/**
 * Packs the package with `npm pack` and installs it into an empty folder: what is not in the archive is not there.
 * Its dependencies are links to the ones of this checkout, so that nothing is fetched.
 */
export function installPackage(): Installed {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-installed-"));
  const modules = join(folder, "node_modules");
  const own = join(modules, "bakehouse");
  cpSync(packed(), own, { recursive: true });
  const manifest: { dependencies: Record<string, string>; bin: Record<string, string> } = JSON.parse(
    readFileSync(join(own, "package.json"), "utf8"),
  );
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  const script = join(own, manifest.bin["bakehouse"] ?? "");
  const bin = join(modules, ".bin");
  mkdirSync(bin);
  symlinkSync(script, join(bin, "bakehouse"));
  symlinkSync(process.execPath, join(bin, "node"));
  return { folder, bin, script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

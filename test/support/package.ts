import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { madeOnce } from "./made-once.ts";
import { builtBundle, filesOf } from "./process-bundle.ts";

const ROOT = join(import.meta.dirname, "..", "..");

/** Both packages in a folder that held nothing before. */
export interface Installed {
  /** The folder; commands are run here. */
  readonly folder: string;
  /** A folder for PATH that has the client's `bakehouse`, `bakehouse-server`, and the Node that the service needs. */
  readonly bin: string;
  /** The service's script. */
  readonly script: string;
  remove(): void;
}

function npm(args: readonly string[], cwd: string): string {
  const done = spawnSync("npm", args, { cwd, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`npm ${args[0]}: ${done.stderr}`);
  return done.stdout;
}

/** What is packed besides what is built. */
const OTHERS = ["LICENSE", "openapi.yaml", "migrations"];

/**
 * A folder with the archives of both packages as `npm pack` makes them, `client.tgz` and `server.tgz`, and `node_modules` into
 * which npm has installed them, without the dependencies of the service. What was made of the same files before is used again.
 */
export function packed(): string {
  const dist = dirname(builtBundle("src/main.ts", "library"));
  const hash = createHash("sha256").update(readFileSync(import.meta.filename));
  for (const file of OTHERS.flatMap((name) => filesOf(join(ROOT, name)))) {
    hash.update(file).update("\0").update(readFileSync(file));
  }
  const target = `${dist}-packed-${hash.digest("hex").slice(0, 8)}`;
  return madeOnce(target, process.getuid?.() ?? 0, (folder) => {
    for (const [name, packed] of [
      ["client", "bakehouse"],
      ["server", "bakehouse-server"],
    ] as const) {
      const from = join(dist, "packages", packed);
      const archive = npm(["pack", "--silent", "--ignore-scripts", from], folder).trim();
      cpSync(join(folder, archive), join(folder, `${name}.tgz`));
      rmSync(join(folder, archive));
    }
    // The client needs nothing: this fetches nothing.
    writeFileSync(join(folder, "package.json"), "{}");
    npm(["install", "--offline", "--no-save", "--loglevel=error", join(folder, "client.tgz")], folder);
    const server = join(folder, "node_modules", "bakehouse-server");
    mkdirSync(server);
    const unpacked = spawnSync("tar", [
      "-xzf",
      join(folder, "server.tgz"),
      "-C",
      server,
      "--strip-components=1",
    ]);
    if (unpacked.status !== 0) throw new Error("tar failed");
  });
}

/**
 * Packs both packages with `npm pack` and installs them into an empty folder: what is not in the archives is not there.
 * The service's dependencies are links to the ones of this checkout, so that nothing is fetched.
 */
export function installPackage(): Installed {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-installed-"));
  const modules = join(folder, "node_modules");
  cpSync(join(packed(), "node_modules"), modules, { recursive: true, verbatimSymlinks: true });
  const server = join(modules, "bakehouse-server");
  const manifest: { dependencies: Record<string, string>; bin: Record<string, string> } = JSON.parse(
    readFileSync(join(server, "package.json"), "utf8"),
  );
  for (const name of Object.keys(manifest.dependencies)) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  const script = join(server, manifest.bin["bakehouse-server"] ?? "");
  const bin = join(modules, ".bin");
  symlinkSync(script, join(bin, "bakehouse-server"));
  symlinkSync(process.execPath, join(bin, "node"));
  return { folder, bin, script, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

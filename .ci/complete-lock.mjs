// Completes package-lock.json after an `npm install`.
//
// Biome, rolldown and oxc ship one native package per platform, as optional dependencies. Where a
// registry mirror offers only some of them, npm writes no lock entry for the others, and then
// `npm ci` refuses the whole lock file ("Missing: … from lock file"). This adds an entry for each
// missing one, with the platform that its name states, so that npm passes it over on machines of
// another kind and installs it, by version, on its own.

import { readFileSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";
const OS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const CPU = ["arm64", "arm", "ia32", "loong64", "ppc64", "riscv64", "s390x", "x64", "wasm32"];

const lock = JSON.parse(readFileSync(FILE, "utf8"));
const added = [];

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`;
    const hoisted = `node_modules/${name}`;
    if (nested in lock.packages || hoisted in lock.packages) continue;
    const words = name.split(/[/-]/);
    const os = OS.filter((word) => words.includes(word));
    const cpu = CPU.filter((word) => words.includes(word)).slice(0, 1);
    if (os.length + cpu.length === 0) throw new Error(`${name} does not state its platform`);
    lock.packages[hoisted] = {
      version: version.replace(/^[\^~]/, ""),
      cpu: cpu.length > 0 ? cpu : undefined,
      dev: entry.dev,
      optional: true,
      os: os.length > 0 ? os : undefined,
    };
    added.push(name);
  }
}

const byName = ([a], [b]) => (a < b ? -1 : 1);
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(byName));
writeFileSync(FILE, `${JSON.stringify(lock, undefined, 2)}\n`);
process.stdout.write(`${added.length} entries added\n`);

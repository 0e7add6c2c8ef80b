import { spawnSync } from "node:child_process";

import { findChromium } from "./chromium.ts";
import { findProgram } from "./find-program.ts";
import { findPython } from "./find-python.ts";
import { debianBinaries } from "./postgres-server.ts";

/** Software that no npm package brings, and that tests use if it is installed. */
export interface Wanted {
  readonly name: string;
  /** Debian's and Ubuntu's package of it; undefined where what those bring is too old. */
  readonly package: string | undefined;
  /** Where it is; undefined if it is not installed. */
  readonly find: () => string | undefined;
}

/** All that is wanted. */
const WANTED: readonly Wanted[] = [
  { name: "a distribution's Postgres", package: "postgresql", find: debianBinaries },
  { name: "PgBouncer", package: "pgbouncer", find: () => findProgram("pgbouncer") },
  { name: "nginx", package: "nginx-light", find: () => findProgram("nginx") },
  { name: "Chromium", package: "chromium", find: findChromium },
  { name: "promtool", package: "prometheus", find: () => findProgram("promtool") },
  { name: "zsh", package: "zsh", find: () => findProgram("zsh") },
  { name: "fish", package: "fish", find: () => findProgram("fish") },
  { name: "Python 3.10 or later", package: "python3", find: findPython },
  { name: "openssl", package: "openssl", find: () => findProgram("openssl") },
  { name: "promtool", package: "prometheus", find: () => findProgram("promtool") },
  { name: "systemd-analyze", package: "systemd", find: () => findProgram("systemd-analyze") },
  { name: "kubectl 1.21 or later", package: undefined, find: findKubectl },
];

/** The path of a kubectl that builds what is deployed; undefined if none is installed. The one of Debian 12 is too old to. */
export function findKubectl(): string | undefined {
  const program = findProgram("kubectl");
  if (program === undefined) return undefined;
  const { stdout } = spawnSync(program, ["version", "--client", "--output=json"], { encoding: "utf8" });
  const [, major, minor] = /"major": *"(\d+)"[\s\S]*?"minor": *"(\d+)/.exec(stdout) ?? [];
  return Number(major) > 1 || Number(minor) >= 21 ? program : undefined;
}

/** The part of the wanted software that is not installed. */
export function notInstalled(): readonly Wanted[] {
  return WANTED.filter(({ find }) => find() === undefined);
}

// Prints the packages that are missing, for `.ci/install-wanted`.
if (import.meta.main)
  process.stdout.write(
    notInstalled()
      .map((wanted) => (wanted.package === undefined ? "" : `${wanted.package}\n`))
      .join(""),
  );

import { findChromium } from "./chromium.ts";
import { findProgram } from "./find-program.ts";
import { findPython } from "./find-python.ts";
import { debianBinaries } from "./postgres-server.ts";

/** Software that no npm package brings, and that tests use if it is installed. */
export interface Wanted {
  readonly name: string;
  /** Debian's and Ubuntu's package of it. */
  readonly package: string;
  /** Where it is; undefined if it is not installed. */
  readonly find: () => string | undefined;
}

/** All that is wanted. */
const WANTED: readonly Wanted[] = [
  { name: "a distribution's Postgres", package: "postgresql", find: debianBinaries },
  { name: "PgBouncer", package: "pgbouncer", find: () => findProgram("pgbouncer") },
  { name: "nginx", package: "nginx-light", find: () => findProgram("nginx") },
  { name: "Chromium", package: "chromium", find: findChromium },
  { name: "zsh", package: "zsh", find: () => findProgram("zsh") },
  { name: "fish", package: "fish", find: () => findProgram("fish") },
  { name: "Python 3.10 or later", package: "python3", find: findPython },
  { name: "openssl", package: "openssl", find: () => findProgram("openssl") },
];

/** The part of the wanted software that is not installed. */
export function notInstalled(): readonly Wanted[] {
  return WANTED.filter(({ find }) => find() === undefined);
}

// Prints the packages that are missing, for `.ci/install-wanted`.
if (import.meta.main)
  process.stdout.write(
    notInstalled()
      .map((wanted) => `${wanted.package}\n`)
      .join(""),
  );

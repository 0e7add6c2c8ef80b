import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The folder in which Debian keeps its versions of Postgres. */
const DEBIAN = "/usr/lib/postgresql";

/** The folder of the programs of the distribution's own Postgres, the newest one; undefined where none is installed. */
export function stockPostgres(): string | undefined {
  if (!existsSync(DEBIAN)) return undefined;
  const versions = readdirSync(DEBIAN).filter((name) => existsSync(join(DEBIAN, name, "bin", "postgres")));
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(DEBIAN, newest, "bin");
}

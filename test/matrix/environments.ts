import { raw } from "../storage/raw.ts";
import { findProgram } from "../support/find-program.ts";
import { debianBinaries, startPostgres } from "../support/postgres-server.ts";
import { fetchBinaries, HAS_BUILDS, type Major } from "./binaries.ts";
import { OTHER_ENCODINGS, openInEncoding } from "./encodings.ts";
import { besideOldVersion, hasOldVersion } from "./old-version.ts";
import { tellStory } from "./story.ts";
import { type Outcome, runSuites } from "./suites.ts";
import { missingFor, serverSettings, WAYS, type WayName } from "./ways.ts";

/** One environment of the matrix. */
export interface Environment {
  readonly name: string;
  /** What it lacks here; undefined if it can be tried. */
  readonly lacks: string | undefined;
  /** Tries it. @param say told what the environment turned out to be */
  readonly run: (output: "inherit" | "ignore", say: (text: string) => void) => Promise<Outcome>;
}

/** A server of some binaries, reached in some way. */
function environment(
  name: string,
  way: WayName,
  lacks: string | undefined,
  findBinaries: () => string | undefined = () => undefined,
): Environment {
  return {
    name,
    lacks: lacks ?? missingFor(way),
    async run(output, say) {
      const binaries = findBinaries();
      const server = await startPostgres({
        fsync: false,
        ...serverSettings(findProgram("openssl") !== undefined),
        ...(binaries === undefined ? {} : { binaries }),
      });
      try {
        const [facts] = await raw(
          server.url,
          "select current_setting('server_version') as version, pg_jit_available() as jit",
        );
        say(`Postgres ${String(facts?.["version"])}, ${facts?.["jit"] === true ? "with" : "without"} JIT`);
        const { urls, stop } = await WAYS[way](server.url);
        try {
          const told = await storyOn(server.url, urls);
          const { passed, failures } = await runSuites(
            { admin: server.url, way: urls(server.url), binaries },
            output,
          );
          return { passed: passed + (told === undefined ? 1 : 0), failures: [...(told ?? []), ...failures] };
        } finally {
          await stop();
        }
      } finally {
        await server.stop();
      }
    },
  };
}

/** @returns undefined if it went well */
async function storyOn(
  admin: string,
  urls: (database: string) => Parameters<typeof tellStory>[0],
): Promise<readonly string[] | undefined> {
  const database = new URL(admin);
  database.pathname = "/story";
  const reached = urls(database.href);
  await raw(admin, `create database story owner ${new URL(reached.owner).username} template template0`);
  try {
    await tellStory(reached);
    return undefined;
  } catch (error) {
    return [`the story: ${error instanceof Error ? error.message : "unknown"}`];
  }
}

const noBuilds = HAS_BUILDS ? undefined : "npm's builds for this machine (linux-x64 alone are known)";
const fetched = (major: Major) =>
  environment(`Postgres ${major} of npm`, "plain", noBuilds, () => fetchBinaries(major));
const stock = debianBinaries();

/** All of them, in the order in which they are tried. */
export const ENVIRONMENTS: readonly Environment[] = [
  fetched(15),
  fetched(16),
  fetched(17),
  fetched(18),
  environment(
    "a distribution's Postgres, as it ships, JIT on",
    "plain",
    stock === undefined ? "a distribution's Postgres" : undefined,
    () => stock,
  ),
  environment("a role of least privilege", "least privilege", undefined),
  environment("a role with odd settings", "odd role", undefined),
  environment("TLS, the server's name checked", "TLS", undefined),
  environment("PgBouncer, session mode", "PgBouncer, session mode", undefined, () => stock),
  environment("PgBouncer, transaction mode", "PgBouncer, transaction mode", undefined, () => stock),
  environment(
    "PgBouncer, transaction mode, and DATABASE_DIRECT_URL",
    "PgBouncer, transaction mode, and DATABASE_DIRECT_URL",
    undefined,
    () => stock,
  ),
  {
    name: "databases in LATIN1 and SQL_ASCII",
    lacks: undefined,
    async run(_, say) {
      const server = await startPostgres({ fsync: false });
      const failures: string[] = [];
      for (const encoding of OTHER_ENCODINGS) {
        const { said, expected } = await openInEncoding(server.url, encoding);
        if (said === expected) say("refused at the start, in one line");
        else failures.push(`${encoding}: ${said}`);
      }
      await server.stop();
      return { passed: OTHER_ENCODINGS.length - failures.length, failures };
    },
  },
  {
    name: "version 0.1.0 beside this one",
    lacks: hasOldVersion() ? undefined : "its commit, in a clone of the last ones alone",
    async run(_, say) {
      say("before, during and after an upgrade that is taken back");
      return besideOldVersion();
    },
  },
];

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { COUNTS_FILE } from "../support/database-reporter.ts";
import { BINARIES } from "../support/postgres-server.ts";
import { type Urls, WAY } from "../support/reach.ts";

/** How an environment went. */
export interface Outcome {
  readonly passed: number;
  /** What failed, by name. */
  readonly failures: readonly string[];
}

/** Where the suites run. */
export interface Place {
  /** The server's superuser, directly. */
  readonly admin: string;
  /** The URLs of any database of it. */
  readonly way: Urls;
  /** The folder above `bin`, for tests that start servers of their own. */
  readonly binaries: string | undefined;
}

const ROOT = join(import.meta.dirname, "..", "..");
const countsSchema = z.object({ passed: z.number(), failures: z.array(z.string()) });

/** Runs those tests of the storage and service suites that use a server. @param output where vitest writes, or nowhere */
export async function runSuites(
  { admin, way, binaries }: Place,
  output: "inherit" | "ignore",
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-matrix-"));
  const counts = join(folder, "counts.json");
  const vitest = spawn(
    process.execPath,
    [
      join(ROOT, "node_modules", "vitest", "vitest.mjs"),
      "run",
      "--config",
      join(ROOT, "test", "vitest.config.ts"),
      "--reporter=default",
      `--reporter=${join(ROOT, "test", "support", "database-reporter.ts")}`,
      "--testNamePattern=\\[postgres\\]",
      "test/storage",
      "test/service",
    ],
    {
      cwd: ROOT,
      stdio: ["ignore", output, output],
      env: {
        ...process.env,
        [COUNTS_FILE]: counts,
        TEST_DATABASE_URL: admin,
        [WAY]: JSON.stringify(way),
        ...(binaries === undefined ? {} : { [BINARIES]: binaries }),
      },
    },
  );
  await once(vitest, "exit");
  try {
    if (!existsSync(counts)) return { passed: 0, failures: ["the test run itself"] };
    return countsSchema.parse(JSON.parse(readFileSync(counts, "utf8")));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

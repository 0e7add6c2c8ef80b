import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { notInstalled } from "./support/at-hand.ts";
import { COUNTS_FILE } from "./support/database-reporter.ts";
import { SOURCE_FILE } from "./support/postgres-broker.ts";

// What `npm test` runs: vitest, then how it went, the last line alone in a form that a script can read.
// A Postgres is acquired by the test run itself, when the first test asks for one.

const countsSchema = z.object({
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  pglite: z.number(),
  postgres: z.number(),
  slowest: z.array(z.object({ file: z.string(), milliseconds: z.number() })),
});

const absent = notInstalled().map(({ name }) => name);

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "bakehouse-test-run-"));
const countsFile = join(folder, "counts.json");
const sourceFile = join(folder, "source");

const vitest = spawn(
  process.execPath,
  [
    join(root, "node_modules", "vitest", "vitest.mjs"),
    "run",
    "--config",
    join(root, "test", "vitest.config.ts"),
    "--reporter=default",
    `--reporter=${join(root, "test", "support", "database-reporter.ts")}`,
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, [COUNTS_FILE]: countsFile, [SOURCE_FILE]: sourceFile },
  },
);

// Ctrl-C reaches vitest too; it stops its databases, and we wait for that.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => vitest.kill(signal));

vitest.on("exit", (code) => {
  const counts = existsSync(countsFile)
    ? countsSchema.parse(JSON.parse(readFileSync(countsFile, "utf8")))
    : undefined;
  const source = existsSync(sourceFile) ? readFileSync(sourceFile, "utf8") : "not needed";
  rmSync(folder, { recursive: true, force: true });
  const { passed = 0, failed = 1, skipped = 0, pglite = 0, postgres = 0, slowest = [] } = counts ?? {};
  const lines = [
    "the slowest files:",
    ...slowest.map(({ file, milliseconds }) => `${(milliseconds / 1_000).toFixed(1).padStart(7)} s  ${file}`),
    `Postgres: ${source}`,
    `${pglite} tests on PGlite, ${postgres} on Postgres`,
    ...(absent.length === 0 ? [] : [`not installed, so not tried: ${absent.join(", ")}`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped: a test that does not run shows nothing`]),
    `${passed} passed, ${failed} failed`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  process.exitCode = code === 0 && failed === 0 && skipped === 0 ? 0 : 1;
});

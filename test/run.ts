import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { z } from "zod";

import { notInstalled } from "./support/at-hand.ts";
import { COUNTS_FILE } from "./support/database-reporter.ts";
import { FORM, type Form } from "./support/form.ts";
import { SOURCE_FILE } from "./support/postgres-broker.ts";

// What `npm test` runs: vitest, then how it went, the last line alone in a form that a script can read.
// A Postgres is acquired by the test run itself, when the first test asks for one.
//
//     npm test                the short form of all tests
//     npm test -- PATH …      all that there is of a file or folder
//     npm run test:long       what the short form leaves out (-- PATH: of a file or folder)
//     npm run test:all        both, one after the other

const countsSchema = z.object({
  passed: z.number(),
  failed: z.number(),
  skipped: z.number(),
  pglite: z.number(),
  postgres: z.number(),
  slowest: z.array(z.object({ file: z.string(), milliseconds: z.number() })),
});

const root = join(import.meta.dirname, "..");

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  /** Whether all ran and all passed. */
  readonly isGood: boolean;
}

/** Runs a form of the tests and says how it went. @param args for vitest */
async function run(form: Form, args: readonly string[]): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-test-run-"));
  const countsFile = join(folder, "counts.json");
  const sourceFile = join(folder, "source");
  const vitest = spawn(
    process.execPath,
    [
      // It reads and writes every module once: a sixth of its time was the collector's.
      "--max-semi-space-size=32",
      join(root, "node_modules", "vitest", "vitest.mjs"),
      "run",
      "--config",
      join(root, "test", "vitest.config.ts"),
      "--reporter=default",
      `--reporter=${join(root, "test", "support", "database-reporter.ts")}`,
      ...args,
    ],
    {
      cwd: root,
      stdio: "inherit",
      env: { ...process.env, [FORM]: form, [COUNTS_FILE]: countsFile, [SOURCE_FILE]: sourceFile },
    },
  );
  // Ctrl-C reaches vitest too; it stops its databases, and we wait for that.
  const handOn = (signal: NodeJS.Signals) => void vitest.kill(signal);
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, handOn);
  const [code] = await once(vitest, "exit");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, handOn);

  const counts = existsSync(countsFile)
    ? countsSchema.parse(JSON.parse(readFileSync(countsFile, "utf8")))
    : undefined;
  const source = existsSync(sourceFile) ? readFileSync(sourceFile, "utf8") : "not needed";
  rmSync(folder, { recursive: true, force: true });
  const { passed = 0, failed = 1, skipped = 0, pglite = 0, postgres = 0, slowest = [] } = counts ?? {};
  const absent = notInstalled().map(({ name }) => name);
  const lines = [
    "the slowest files:",
    ...slowest.map(({ file, milliseconds }) => `${(milliseconds / 1_000).toFixed(1).padStart(7)} s  ${file}`),
    `Postgres: ${source}`,
    `${pglite} tests on PGlite, ${postgres} on Postgres`,
    ...(absent.length === 0 ? [] : [`not installed, so not tried: ${absent.join(", ")}`]),
    ...(skipped === 0 ? [] : [`${skipped} skipped: a test that does not run shows nothing`]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return { passed, failed, isGood: code === 0 && failed === 0 && skipped === 0 && passed > 0 };
}

const args = process.argv.slice(2);
const others = args.filter((arg) => arg !== "--long" && arg !== "--all");
const forms: Form[] = args.includes("--all")
  ? ["short", "long"]
  : [args.includes("--long") ? "long" : others.length > 0 ? "whole" : "short"];

const outcomes: Outcome[] = [];
for (const form of forms) {
  const outcome = await run(form, others);
  outcomes.push(outcome);
  if (forms.length > 1)
    process.stdout.write(`the ${form} form: ${outcome.passed} passed, ${outcome.failed} failed\n`);
}
const sum = (of: (outcome: Outcome) => number) => outcomes.reduce((total, one) => total + of(one), 0);
process.stdout.write(`${sum(({ passed }) => passed)} passed, ${sum(({ failed }) => failed)} failed\n`);
process.exitCode = outcomes.every(({ isGood }) => isGood) ? 0 : 1;

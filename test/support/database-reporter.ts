import { writeFileSync } from "node:fs";

import type { Reporter, TestModule } from "vitest/node";

/** How the tests of a run ended, and on which database they ran. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly pglite: number;
  readonly postgres: number;
  /** The full names of the tests that failed, each with why, and of what else did. */
  readonly failures: readonly string[];
  /** The files that took longest, the slowest first. */
  readonly slowest: readonly { readonly file: string; readonly milliseconds: number }[];
}

/** How many files are named as the slowest. */
const SLOWEST = 10;

/** Environment variable that names a file to which the counts are written as JSON. */
export const COUNTS_FILE = "BAKEHOUSE_TEST_COUNTS_FILE";

/** Counts tests: those in a suite `[pglite] …` or `[postgres] …` also by database. */
class CountingReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const counts = { passed: 0, failed: unhandled.length, skipped: 0, pglite: 0, postgres: 0 };
    const failures = unhandled.map(() => "outside of any test");
    for (const module of modules) {
      // A file that does not load, or a hook that fails, is a failure though no test in it ran.
      const others = [module, ...module.children.allSuites()].flatMap((one) => one.errors());
      counts.failed += others.length;
      failures.push(...others.map(() => module.relativeModuleId));
      for (const test of module.children.allTests()) {
        const { state, errors = [] } = test.result();
        counts[state === "passed" || state === "failed" ? state : "skipped"] += 1;
        const why = errors.map(({ message }) => message.split("\n")[0]).join("; ");
        if (state === "failed") failures.push(`${module.relativeModuleId}: ${test.fullName}: ${why}`);
        if (test.fullName.includes("[pglite]")) counts.pglite += 1;
        if (test.fullName.includes("[postgres]")) counts.postgres += 1;
      }
    }
    const file = process.env[COUNTS_FILE];
    if (file !== undefined)
      writeFileSync(file, JSON.stringify({ ...counts, failures, slowest: slowestOf(modules) }));
  }
}

function slowestOf(modules: readonly TestModule[]): Counts["slowest"] {
  return modules
    .map((module) => ({ file: module.relativeModuleId, milliseconds: module.diagnostic().duration }))
    .sort((a, b) => b.milliseconds - a.milliseconds)
    .slice(0, SLOWEST);
}

// Vitest loads a reporter by its default export.
// biome-ignore lint/style/noDefaultExport: see above
export default CountingReporter;

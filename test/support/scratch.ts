import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Environment variable that names the folder of a test run, which goes when the run ends. */
export const SCRATCH = "BAKEHOUSE_TEST_SCRATCH";

/**
 * Makes an empty folder for the data of a test.
 *
 * It lies in the folder of the test run, or where temporary files do when no test run has made one.
 */
export function scratchFolder(name: string): string {
  return mkdtempSync(join(process.env[SCRATCH] ?? tmpdir(), `bakehouse-${name}-`));
}

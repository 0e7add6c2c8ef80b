import { defineConfig } from "vitest/config";

import { longFiles, longOnlyFiles } from "./long.ts";
import { formOfRun, isShort } from "./support/form.ts";
import { NODE_FLAGS } from "./support/process.ts";
import { SlowFirst } from "./support/slow-first.ts";

export default defineConfig({
  test: {
    root: "test",
    globalSetup: [
      "support/run-seed.ts",
      "support/run-folder.ts",
      "support/postgres-broker.ts",
      "secrets/run-output.ts",
    ],
    include: formOfRun() === "long" ? [...longFiles()] : ["**/*.test.ts"],
    exclude: isShort() ? [...longOnlyFiles()] : [],
    // Two cores are the smallest machine this runs on. A third file at once uses the time in which the other
    // two wait: for a bound to pass, a process to end, a disk.
    maxWorkers: 3,
    // Files share a process, one after the other, and with it what has been imported and compiled: a third of
    // all the time otherwise. No file may leave anything behind in globals; fakes are handed in, not put there.
    isolate: false,
    // A tenth of the processor time was the collector's, with the young generation that Node gives.
    execArgv: ["--max-semi-space-size=32"],
    sequence: { sequencer: SlowFirst },
    // The embedded database is WebAssembly, and a service that lives for a second does not gain from optimised code:
    // making that takes a third of its time.
    env: { [NODE_FLAGS]: "--liftoff-only" },
    setupFiles: ["support/fast-check-seed.ts"],
    // Only a test that hangs meets these: a condition that is waited for comes when the machine has time for it.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000, interval: 20 } },
  },
});

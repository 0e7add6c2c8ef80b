import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: "test",
    globalSetup: ["support/postgres-broker.ts", "secrets/run-output.ts"],
    include: ["**/*.test.ts", "**/*.test.tsx"],
    // Two cores are the smallest machine this runs on. A third file at once uses the time in which the other
    // two wait: for a bound to pass, a process to end, a disk.
    maxWorkers: 3,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: "test",
    globalSetup: ["support/postgres-broker.ts", "secrets/run-output.ts"],
    include: ["**/*.test.ts", "**/*.test.tsx"],
    // Two cores are the smallest machine this runs on; more files at once than that starve the database.
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});

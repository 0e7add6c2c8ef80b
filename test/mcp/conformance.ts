import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { type Running, run } from "../support/process.ts";
import { scratchFolder } from "../support/scratch.ts";

const SCRIPT = fileURLToPath(import.meta.resolve("@modelcontextprotocol/conformance/dist/index.js"));

/** What was wrong by one check of a scenario. */
interface Check {
  readonly id: string;
  /** `SUCCESS`, `FAILURE`, `WARNING`, `SKIPPED` or `INFO`. */
  readonly status: string;
}

/** The checks of a run, each as `SCENARIO:CHECK`; one that was made several times passed if it passed each time. */
export interface Findings {
  readonly passed: ReadonlySet<string>;
  readonly failed: ReadonlySet<string>;
}

/** A run of the official conformance package, as its command line has it. */
export interface Conformance extends Running {
  /** Waits for its end. */
  findings(): Promise<Findings>;
}

/** Starts a command of the package; `args` stand behind it. */
export function conformance(command: "server" | "authorization", ...args: readonly string[]): Conformance {
  const folder = scratchFolder("conformance");
  const running = run(SCRIPT, [command, ...args, "--output-dir", folder]);
  return {
    ...running,
    async findings() {
      await running.ended;
      const passed = new Set<string>();
      const failed = new Set<string>();
      for (const name of readdirSync(folder)) {
        const scenario = name.replace(/^(?:authorization-)?server-/, "").replace(/-\d{4}-\d\d-\d\dT.*$/, "");
        const checks: readonly Check[] = JSON.parse(readFileSync(join(folder, name, "checks.json"), "utf8"));
        for (const { id, status } of checks) {
          if (status === "SUCCESS") passed.add(`${scenario}:${id}`);
          if (status === "FAILURE") failed.add(`${scenario}:${id}`);
        }
      }
      return { passed: passed.difference(failed), failed };
    },
  };
}

import { spawnSync } from "node:child_process";
import { join } from "node:path";

import { audit } from "./audit.ts";
import { budgets } from "./budgets.ts";
import { curves } from "./curves.ts";
import type { Effort, Findings } from "./figures.ts";
import { http } from "./http.ts";
import { inProcess } from "./in-process.ts";
import { issue } from "./issue.ts";
import { jit } from "./jit.ts";
import { memory } from "./memory.ts";
import { metrics } from "./metrics.ts";
import { oauth } from "./oauth.ts";
import { oidc } from "./oidc.ts";
import { start } from "./start.ts";
import { tails } from "./tails.ts";
import { tree } from "./tree.ts";
import { workers } from "./workers.ts";
import { young } from "./young.ts";

/** Measures one thing. */
type Part = (effort: Effort) => Promise<Findings>;

/** A part that is a program of its own, and says itself which targets it met. */
function script(name: string): Part {
  return async () => {
    process.stdout.write(`\n== ${name}\n`);
    const { status } = spawnSync(process.execPath, [join(import.meta.dirname, `${name}.ts`)], {
      stdio: "inherit",
    });
    if (status !== 0) process.exitCode = 1;
    return { part: name, series: [], targets: [], notes: ["It says above what it found."] };
  };
}

/** Every part by its name. */
export const PARTS: Readonly<Record<string, Part>> = {
  "in-process": inProcess,
  http,
  tails,
  oidc,
  issue,
  jit,
  workers,
  start,
  memory,
  caveats: script("caveats"),
  client: script("client"),
  revocation: script("revocation"),
  budgets,
  tree,
  metrics,
  young,
  audit,
  oauth,
  curves,
};

/** Those that run where none is named: all but the ones that take long by themselves. */
export const IN_FULL: readonly string[] = Object.keys(PARTS).filter(
  (part) => !["revocation", "budgets", "tree", "metrics", "young", "audit", "oauth", "curves"].includes(part),
);

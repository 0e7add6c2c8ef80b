import { parseArgs } from "node:util";

import { ENVIRONMENTS } from "./environments.ts";
import { NOT_TRIED } from "./not-tried.ts";

// npm run matrix [-- --only TEXT]… [--show]
// The storage and service suites on every database that can be had here, a line for each; then what was not tried.

const { values } = parseArgs({
  options: {
    only: { type: "string", multiple: true, default: [""] },
    /** Whether the output of the suites is shown. */
    show: { type: "boolean", default: false },
  },
});
const say = (line: string) => void process.stdout.write(`${line}\n`);
const chosen = ENVIRONMENTS.filter(({ name }) => values.only.some((text) => name.includes(text)));
if (chosen.length === 0) throw new Error("no environment has that in its name");

const absent: string[] = [];
for (const { name, lacks, run } of chosen) {
  if (lacks !== undefined) {
    absent.push(`${name}: not here: ${lacks}`);
    continue;
  }
  const begun = performance.now();
  let about = "";
  const { passed, failures } = await run(values.show ? "inherit" : "ignore", (text) => {
    about = text;
  });
  const seconds = Math.round((performance.now() - begun) / 1_000);
  say(`${name} (${about}): ${passed} passed, ${failures.length} failed, ${seconds} s`);
  for (const failure of failures) say(`  failed: ${failure}`);
  if (failures.length > 0) process.exitCode = 1;
}
say("not tried:");
for (const line of [...absent, ...NOT_TRIED]) say(`  ${line}`);

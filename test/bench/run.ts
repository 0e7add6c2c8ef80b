/*
 * The benchmark: `npm run bench`, or some parts of it: `npm run bench -- http oidc`. See README.md beside this.
 *
 * Every figure is a ratio of things measured side by side in this run: machines are noisy and differ, ratios less so.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

import { stopDatabases } from "./database.ts";
import { readEarlier } from "./earlier.ts";
import type { Findings } from "./figures.ts";
import { thisMachine } from "./machine.ts";
import { IN_FULL, PARTS } from "./parts.ts";
import { rewriteReadme } from "./readme.ts";
import { asJson, machineLine, seriesTable, targetsTable } from "./report.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "0.8" },
    minutes: { type: "string", default: "1" },
    json: { type: "string" },
    with: { type: "string", multiple: true, default: [] },
    readme: { type: "boolean" },
  },
});
const say = (text: string) => void process.stdout.write(`${text}\n`);

const effort = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  minutes: Number(values.minutes),
};
const wanted = positionals.length > 0 ? positionals : IN_FULL;
const unknown = wanted.filter((part) => PARTS[part] === undefined);
if (unknown.length > 0 || !Object.values(effort).every((number) => number > 0)) {
  const known = Object.keys(PARTS).join(", ");
  process.stderr.write(
    `npm run bench -- [part]... [--rounds N] [--seconds N] [--minutes N] [--json FILE] [--with FILE]... [--readme]\n`,
  );
  process.stderr.write(`parts: ${known}; without any: ${IN_FULL.join(", ")}\n`);
  process.exit(2);
}

const machine = thisMachine();
say(machineLine(machine));
const findings: Findings[] = values.with.flatMap((file) => readEarlier(file, machine.commit));
try {
  for (const name of wanted) {
    if (findings.some(({ part }) => part === name)) continue;
    const found = await PARTS[name]?.(effort);
    if (found === undefined) continue;
    say(`\n${seriesTable(found)}`);
    findings.push(found);
  }
} finally {
  await stopDatabases();
}
const targets = findings.flatMap((found) => found.targets);
if (targets.length > 0) say(`\n${targetsTable(targets)}`);
if (values.json !== undefined) writeFileSync(values.json, asJson(machine, findings));
if (values.readme === true) {
  const said = process.argv.slice(2).filter((word) => word !== "--readme");
  rewriteReadme(machine, ["npm run bench", ...(said.length > 0 ? ["--", ...said] : [])].join(" "), findings);
}

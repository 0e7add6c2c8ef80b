import { parseArgs } from "node:util";

import { DRILLS } from "./drills.ts";

// npm run drills [-- name…] [minutes] [--hold seconds]
// Each drill breaks something under a running service and says what it did, what was seen, and how long recovery took. A name
// or a part of one chooses; without one all are run but the soak, which takes an hour, or as many minutes as are named.
// Ends with 1 where something did not hold. The machine should be idle: times are judged.

/** Seconds: as it is unless an operator says otherwise. */
const BOUND = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** How long each fault is held; more than the staleness bound shows what happens behind it. */
    hold: { type: "string", default: "15" },
  },
});
const hold = Number(values.hold);
const isNumber = (text: string) => /^[0-9.]+$/.test(text);
const minutes = Number(positionals.find(isNumber) ?? 60);
const names = positionals.filter((text) => !isNumber(text));
if (!(hold > 0 && minutes > 0)) throw new Error("--hold takes seconds, and a soak minutes");
const say = (line: string) => void process.stdout.write(`${line}\n`);
const chosen = DRILLS.filter(({ name, isLong }) =>
  names.length === 0 ? isLong !== true : names.some((text) => name.includes(text)),
);
if (chosen.length === 0) throw new Error(`the drills are ${DRILLS.map(({ name }) => name).join(", ")}`);

for (const { name, about, run } of chosen) {
  say(`${name}: ${about}`);
  const { saw, recovery, faults, late } = await run({ hold, minutes, bound: BOUND, say });
  say(`  ${saw}`);
  if (recovery !== undefined) say(`  recovered in ${(recovery / 1_000).toFixed(1)} s`);
  for (const fault of [...faults, ...late]) say(`  MISSED ${fault}`);
  if (faults.length + late.length > 0) process.exitCode = 1;
}

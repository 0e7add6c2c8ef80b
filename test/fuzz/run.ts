import { parseArgs } from "node:util";

import { drawSeed, SEED } from "../support/seed.ts";
import type { FuzzPart } from "./part.ts";
import { PARTS } from "./parts.ts";

// npm run fuzz [-- part…] [--seed n] [--count n]
// Each part with inputs that a seed decides, which is printed: the same seed and count make the same inputs again. Ends with 1
// where anything was found, and prints what.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string" }, count: { type: "string" } },
});
if (values.seed !== undefined) process.env[SEED] = values.seed;
const seed = drawSeed();
const say = (line: string) => void process.stdout.write(`${line}\n`);

const unknown = positionals.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0) {
  const names = PARTS.map(({ name }) => name).join(", ");
  throw new Error(`there is no part ${unknown.join(", ")}: the parts are ${names}`);
}

async function runPart({ name, about, usual, run }: FuzzPart): Promise<void> {
  const count = values.count === undefined ? usual : Number(values.count);
  if (!Number.isInteger(count) || count < 1) throw new Error("--count takes a whole number");
  say(`${name}: ${about}`);
  const begun = performance.now();
  const { tried, counts, findings } = await run({ seed, count });
  const seconds = ((performance.now() - begun) / 1_000).toFixed(1);
  const outcomes = [...counts].sort((a, b) => b[1] - a[1]).map(([outcome, times]) => `${outcome} ${times}`);
  say(`  ${tried} inputs in ${seconds} s with --seed ${seed} --count ${count}: ${outcomes.join(", ")}`);
  for (const finding of findings) say(`  FOUND ${finding}`);
  say(`  ${findings.length === 0 ? "nothing" : findings.length} found`);
  if (findings.length > 0) process.exitCode = 1;
}

for (const part of PARTS)
  if (positionals.length === 0 || positionals.includes(part.name)) await runPart(part);

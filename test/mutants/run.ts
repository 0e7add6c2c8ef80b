/*
 * Breaks the sources in small ways and runs the tests on each: `npm run mutants`. A mutant that no test notices
 * is a line whose work nobody checks. See ../README.md.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";

import { AREAS, matching, read } from "./areas.ts";
import { changedSince } from "./changed.ts";
import { createCompiler } from "./compiles.ts";
import { readEquivalents } from "./equivalents.ts";
import { findMutants } from "./find.ts";
import { describe, type Mutant } from "./mutant.ts";
import { createTally } from "./report.ts";
import { sample } from "./sample.ts";
import { tryAll } from "./try.ts";
import { createWorkers } from "./workers.ts";

const USAGE = `npm run mutants -- [--count N] [--seed N] [--workers N] [--verbose] [PATH]...
npm run mutants -- --changed [BASE]
`;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: "string", default: "300" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    workers: { type: "string", default: String(Math.min(2, availableParallelism())) },
    changed: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const [count, seed, workerCount] = [values.count, values.seed, values.workers].map(Number);
if (![count, seed, workerCount].every(Number.isInteger) || (values.changed && positionals.length > 1)) {
  process.stderr.write(USAGE);
  process.exit(2);
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const areas = AREAS.map((area) => ({ ...area, files: matching(area.sources), tests: matching(area.tests) }));
const wanted = values.changed ? changedSince(positionals[0] ?? "main") : positionals;
const isWanted = (file: string): boolean =>
  (!values.changed && wanted.length === 0) ||
  wanted.some((path) => file === path || file.startsWith(`${path.replace(/\/$/, "")}/`));
const files = areas.flatMap((area) => area.files.filter(isWanted).map((file) => ({ file, area })));
const areaOf = new Map(files.map(({ file, area }) => [file, area]));
const everything = files.flatMap(({ file }) => findMutants(file, read(file)));
const chosen = values.changed || values.all ? everything : sample(everything, Number(count), Number(seed));
say(
  values.changed || values.all
    ? `all ${everything.length} mutants of ${files.length} files`
    : `${chosen.length} of ${everything.length} mutants of ${files.length} files; --seed ${seed} draws them again`,
);

const workers = createWorkers(Number(workerCount));
const compiler = createCompiler();
function stop(): void {
  workers.stop();
  compiler.close();
}
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    stop();
    process.exit(130);
  });
}
const tally = createTally();
const began = Date.now();
try {
  const trials = chosen.flatMap((mutant) => {
    const area = areaOf.get(mutant.file);
    return area === undefined ? [] : [{ mutant, tests: area.tests, sources: area.files }];
  });
  await tryAll({ workers, compiler }, trials, readEquivalents(), (mutant: Mutant, outcome, by) => {
    tally.add(areaOf.get(mutant.file)?.name ?? "", outcome);
    if (outcome === "alive" || outcome === "unreached" || values.verbose) {
      say(`${outcome}  ${describe(mutant)}${by === undefined ? "" : `\n    ${by}`}`);
    }
  });
} finally {
  stop();
}
say(`\n${tally.table()}\n${Math.round((Date.now() - began) / 1_000)} s`);
process.exitCode = tally.isEnough() ? 0 : 1;

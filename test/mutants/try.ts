import { read } from "./areas.ts";
import { compiling } from "./compiles.ts";
import { type Equivalents, reasonFor } from "./equivalents.ts";
import type { Order } from "./messages.ts";
import { applyEdits, type Mutant } from "./mutant.ts";
import { observe, type Watched } from "./observe.ts";
import type { Workers } from "./workers.ts";

/** How a mutant ended. `refused`: the compiler does not take it. `unreached`: alive, and no test calls its function. */
export type Outcome = "killed" | "alive" | "unreached" | "equivalent" | "refused";

/** A mutant, the test files that are to notice it, and all sources that those tests are tried on. */
export interface Trial {
  readonly mutant: Mutant;
  readonly tests: readonly string[];
  readonly sources: readonly string[];
}

// Processor time that a test file may always take, and how many times as long as it takes without a mutant.
const PATIENCE = 1_500;
const TIMES = 2;

/** Tries mutants. `tell` hears of each as it ends; those that no test killed are heard of last. */
export async function tryAll(
  workers: Workers,
  trials: readonly Trial[],
  listed: Equivalents,
  tell: (mutant: Mutant, outcome: Outcome, by?: string) => void,
): Promise<void> {
  const [known, open] = partition(trials, ({ mutant }) => reasonFor(mutant, listed) !== undefined);
  for (const { mutant } of known) tell(mutant, "equivalent");

  const observations = await observe(workers, watchedIn(open));
  const killers = new Map<string, string[]>();
  const survivors: { readonly mutant: Mutant; readonly reached: boolean }[] = [];
  const jobs = open.map(({ mutant, tests }) => {
    const { file, within, edits } = mutant;
    const reaching = tests.filter((test) => observations.get(test)?.called[file]?.includes(within));
    return {
      mutant,
      reached: reaching.length > 0,
      order: (): Order => ({
        kind: "try",
        file,
        text: applyEdits(read(file), edits),
        // Whatever killed another mutant of this file is likely to kill this one.
        tests: [...new Set([...(killers.get(file) ?? []), ...reaching])]
          .filter((test) => reaching.includes(test))
          .map((test) => ({ test, patience: PATIENCE + TIMES * (observations.get(test)?.cost ?? 0) })),
      }),
    };
  });
  const [reached, unreached] = partition(jobs, (job) => job.reached);
  survivors.push(...unreached);
  await workers.follow(reached, (job, answer) => {
    if (answer.kind === "alive") {
      survivors.push(job);
      return;
    }
    if (answer.kind !== "killed") {
      tell(job.mutant, "killed", answer.kind);
      return;
    }
    const { test, name } = answer.by;
    killers.set(job.mutant.file, [test, ...(killers.get(job.mutant.file) ?? [])]);
    tell(job.mutant, "killed", `${test}: ${name}`);
  });

  const taken = await compiling(survivors.map(({ mutant }) => mutant));
  for (const { mutant, reached: wasReached } of survivors) {
    tell(mutant, taken.has(mutant) ? (wasReached ? "alive" : "unreached") : "refused");
  }
}

/** Each test file, with all sources of the areas that it belongs to: so what is noted serves the next run, too. */
function watchedIn(trials: readonly Trial[]): readonly Watched[] {
  const files = new Map<string, Set<string>>();
  for (const { tests, sources } of trials) {
    for (const test of tests) files.set(test, new Set([...(files.get(test) ?? []), ...sources]));
  }
  return [...files].map(([test, watched]) => ({ test, files: [...watched].sort() }));
}

function partition<T>(
  all: readonly T[],
  belongs: (one: T) => boolean,
): readonly [readonly T[], readonly T[]] {
  return [all.filter(belongs), all.filter((one) => !belongs(one))];
}

import { read } from "./areas.ts";
import type { Compiler } from "./compiles.ts";
import { type Equivalents, reasonFor } from "./equivalents.ts";
import type { Order } from "./messages.ts";
import { applyEdits, type Mutant } from "./mutant.ts";
import { type Observation, observe, type Watched } from "./observe.ts";
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

/**
 * Tries mutants.
 *
 * @param tell hears of each as it ends, and of the test that killed it
 * @throws Error where the tests fail while nothing is broken
 */
export async function tryAll(
  { workers, compiler }: { readonly workers: Workers; readonly compiler: Compiler },
  trials: readonly Trial[],
  listed: Equivalents,
  tell: (mutant: Mutant, outcome: Outcome, by?: string) => void,
): Promise<void> {
  const open = trials.filter(({ mutant }) => {
    if (reasonFor(mutant, listed) === undefined) return true;
    tell(mutant, "equivalent");
    return false;
  });
  const observations = await observe(workers, watchedIn(open));

  const compiled: Promise<void>[] = [];
  const survives = (mutant: Mutant, outcome: "alive" | "unreached"): void => {
    const told = compiler.accepts(mutant).then((accepted) => tell(mutant, accepted ? outcome : "refused"));
    // Whoever waits for all of them hears of a fault; until then it is not unheard.
    told.catch(() => {});
    compiled.push(told);
  };
  const costOf = (test: string): number => observations.get(test)?.cost ?? 0;
  const killers = new Map<string, string>();
  const jobs = open.flatMap(({ mutant, tests }) => {
    const reaching = tests
      .filter((test) => calls(observations.get(test), mutant))
      .sort((one, other) => costOf(one) - costOf(other));
    if (reaching.length === 0) survives(mutant, "unreached");
    return reaching.length === 0 ? [] : [{ mutant, order: () => orderFor(mutant, reaching) }];
  });

  function orderFor(mutant: Mutant, reaching: readonly string[]): Order {
    const { file, edits } = mutant;
    // The test that killed another mutant of this file is likely to kill this one; else the cheapest come first.
    const last = killers.get(file) ?? "";
    const tests = reaching.includes(last) ? [last, ...reaching.filter((test) => test !== last)] : reaching;
    return {
      kind: "try",
      file,
      text: applyEdits(read(file), edits),
      tests: tests.map((test) => ({
        test,
        patience: PATIENCE + TIMES * costOf(test),
      })),
    };
  }

  await workers.follow(jobs, ({ mutant }, answer) => {
    if (answer.kind === "alive") {
      survives(mutant, "alive");
    } else if (answer.kind === "killed") {
      killers.set(mutant.file, answer.by.test);
      tell(mutant, "killed", `${answer.by.test}: ${answer.by.name}`);
    } else {
      tell(mutant, "killed", answer.kind);
    }
  });
  await Promise.all(compiled);
}

function calls(observation: Observation | undefined, { file, within }: Mutant): boolean {
  return observation?.called[file]?.includes(within) === true;
}

/** Each test file, with all sources of the areas that it belongs to: so what is noted serves the next run, too. */
function watchedIn(trials: readonly Trial[]): readonly Watched[] {
  const files = new Map<string, Set<string>>();
  for (const { tests, sources } of trials) {
    for (const test of tests) files.set(test, new Set([...(files.get(test) ?? []), ...sources]));
  }
  return [...files].map(([test, watched]) => ({ test, files: [...watched].sort() }));
}

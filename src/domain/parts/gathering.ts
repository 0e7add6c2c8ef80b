import { setImmediate } from "node:timers/promises";

import { DomainError } from "./error.ts";

/** What became of one job of a group. */
export type Outcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: unknown };

/** Settings of a gathering. */
export interface GatheringOptions<Job, Result> {
  /** Does several jobs at once, all or none of what they write. @returns one outcome for each, in their order */
  readonly run: (jobs: readonly Job[]) => Promise<readonly Outcome<Result>[]>;
  /** How much of a group's room a job takes. */
  readonly weigh: (job: Job) => number;
  /** A group's room. A job that alone takes more has a group to itself. */
  readonly room: number;
  /** Groups that may be under way at a time. */
  readonly atOnce: number;
}

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** What `work` comes to, a refusal of one among many. */
export function outcomeOf<Result>(work: () => Result): Outcome<Result> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}

/**
 * Does together what was asked for separately: jobs that arrive while others are under way wait for each other and
 * share the next group's round trips and its flush of the disk. Nobody waits for company: a job that comes alone
 * goes alone. Each is answered only once its group is done.
 *
 * A group that the database refuses may be one job's fault, so each of it is then done by itself. One that was not answered is
 * not repeated: it may have been done.
 *
 * @returns does one job
 */
export function createGathering<Job, Result>(
  options: GatheringOptions<Job, Result>,
): (job: Job) => Promise<Result> {
  const waiting: Waiting<Job, Result>[] = [];
  let underWay = 0;

  function nextGroup(): readonly Waiting<Job, Result>[] {
    let left = options.room;
    let count = 0;
    for (const { job } of waiting) {
      left -= options.weigh(job);
      if (count > 0 && left < 0) break;
      count += 1;
    }
    return waiting.splice(0, count);
  }

  async function answer(group: readonly Waiting<Job, Result>[]): Promise<void> {
    try {
      const outcomes = await options.run(group.map(({ job }) => job));
      for (const [index, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[index];
        if (outcome?.ok) resolve(outcome.value);
        else
          reject(outcome === undefined ? new Error("a group has fewer outcomes than jobs") : outcome.error);
      }
    } catch (error) {
      if (group.length > 1 && !(error instanceof DomainError)) {
        for (const one of group) await answer([one]);
      } else {
        for (const { reject } of group) reject(error);
      }
    }
  }

  async function work(): Promise<void> {
    underWay += 1;
    while (waiting.length > 0) {
      // Whoever was answered a moment ago is about to ask again: one turn later they are together.
      await setImmediate();
      const group = nextGroup();
      if (group.length > 0) await answer(group); // or another has taken all
    }
    underWay -= 1;
  }

  return (job) =>
    new Promise((resolve, reject) => {
      waiting.push({ job, resolve, reject });
      if (underWay < options.atOnce) void work();
    });
}

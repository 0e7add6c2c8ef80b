import { setImmediate } from "node:timers/promises";

import { DomainError } from "./error.ts";
import { createNestedLanes } from "./nested-lanes.ts";
import { sharedByAll } from "./turn.ts";

/** The outcome of one job of a group. */
export type Outcome<Result> =
  | { readonly ok: true; readonly value: Result }
  | { readonly ok: false; readonly error: unknown };

/** Settings of a gathering. */
export interface GatheringOptions<Job, Result> {
  /** Does several jobs in one transaction. @returns one outcome for each, in their order */
  readonly run: (jobs: readonly Job[]) => Promise<readonly Outcome<Result>[]>;
  /** The part of a group's room that a job takes. */
  readonly weigh: (job: Job) => number;
  /** A group's room. A job that takes more has a group to itself. */
  readonly room: number;
  /** The number of groups that may be under way at a time. */
  readonly atOnce: number;
  /**
   * The lane that a job waits in, within wider ones: as many names for each job, the widest first. Lanes have turns: of each that
   * waits, one job goes after another's, so that a long lane holds up nobody in a short one, and many lanes within one
   * hold up no other. Left out: all wait in one.
   */
  readonly lane?: (job: Job) => readonly string[];
}

/** Jobs of a group that are answered in one turn of the event loop: with each, all goes on that has waited for it. */
const ANSWERED_TOGETHER = 16;

interface Waiting<Job, Result> {
  readonly job: Job;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** The outcome of work that may throw a refusal: it refuses one job of a group and not the group. */
export function outcomeOf<Result>(work: () => Result): Outcome<Result> {
  try {
    return { ok: true, value: work() };
  } catch (error) {
    return { ok: false, error };
  }
}

/** As {@link outcomeOf}, of work that lets others have turns. */
export async function eventualOutcome<Result>(work: () => Promise<Result>): Promise<Outcome<Result>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error };
  }
}

/**
 * Gathers jobs into groups. Jobs that arrive while a group is under way form the next group, and share its round
 * trips and its flush of the disk. A job that comes alone waits for no other. Each job is answered once its group
 * is done.
 *
 * If the database refuses a group, one of its jobs may be at fault, so each is then done by itself. A group that was
 * not answered is not repeated, because it may have been done.
 *
 * @returns does one job
 */
export function createGathering<Job, Result>(
  options: GatheringOptions<Job, Result>,
): (job: Job) => Promise<Result> {
  const waiting = createNestedLanes<Waiting<Job, Result>>();
  const laneOf = options.lane ?? (() => []);
  let underWay = 0;

  function nextGroup(): readonly Waiting<Job, Result>[] {
    let left = options.room;
    const group: Waiting<Job, Result>[] = [];
    for (let next = waiting.first(); next !== undefined; next = waiting.first()) {
      left -= options.weigh(next.job);
      if (group.length > 0 && left < 0) break;
      group.push(next);
      waiting.shift();
    }
    return group;
  }

  async function answer(group: readonly Waiting<Job, Result>[]): Promise<void> {
    try {
      const outcomes = await options.run(group.map(({ job }) => job));
      for (const [index, { resolve, reject }] of group.entries()) {
        if (index > 0 && index % ANSWERED_TOGETHER === 0) await setImmediate();
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
    while (waiting.first() !== undefined) {
      // Clients that were just answered ask again at once. One turn later their jobs have all arrived.
      await setImmediate();
      const group = nextGroup();
      if (group.length > 0) await answer(group); // empty if another loop has taken all jobs meanwhile
    }
    underWay -= 1;
  }

  return (job) =>
    new Promise((resolve, reject) => {
      waiting.add(laneOf(job), { job, resolve, reject });
      if (underWay < options.atOnce) void sharedByAll(work);
    });
}

import { FAMILIES } from "./families.ts";
import { grows, sumOfGrowing } from "./library.ts";
import { type Reported, reported, single } from "./samples.ts";

/** Milliseconds for which a worker's answer is waited for. */
const PATIENCE = 600;

/** Milliseconds for which the last numbers of a worker that is gone may be on their way. */
const LAST_WORDS = 200;

/** Milliseconds after which nothing of such a worker can be on its way any more. */
const FORGOTTEN = 60_000;

/** The workers' states, and how many ended by themselves. */
export interface WorkerCounts {
  readonly starting: number;
  readonly serving: number;
  readonly leaving: number;
  readonly crashes: number;
}

/** The numbers of workers. A process without any is one that serves. */
export function workerNumbers({ crashes, ...states }: WorkerCounts): readonly Reported[] {
  return [
    reported(
      FAMILIES.workers,
      Object.entries(states).map(([state, value]) => ({ value, labels: { state } })),
    ),
    single(FAMILIES.workerCrashes, crashes),
  ];
}

/** The numbers of all workers, those that are gone among them. */
export interface Together<Worker> {
  /** Takes a worker's numbers, whether they were asked for or not. */
  note(worker: Worker, numbers: readonly Reported[]): void;
  /** A worker is gone: what it had counted stays. */
  left(worker: Worker): void;
  /** The numbers of each: the last known ones that only grow, of a worker that does not answer in time. */
  collect(): Promise<readonly (readonly Reported[])[]>;
}

/**
 * Keeps the numbers of workers together. No sum goes down when a worker is replaced: of each, the last numbers that it told
 * are added to those of all that went before.
 *
 * @param serving the workers that can be asked
 * @param ask asks one for its numbers, which then come to `note`
 */
export function createTogether<Worker>(
  serving: () => Iterable<Worker>,
  ask: (worker: Worker) => void,
): Together<Worker> {
  const last = new Map<Worker, readonly Reported[]>();
  const gone = new Set<Worker>();
  const waiting = new Map<Worker, (() => void)[]>();
  let before: readonly Reported[] = [];
  // One after the other, so that none is lost between reading the sum and writing it.
  let adding: Promise<void> = Promise.resolve();

  function hear(worker: Worker): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PATIENCE);
      const heard = () => {
        clearTimeout(timer);
        resolve();
      };
      waiting.set(worker, [...(waiting.get(worker) ?? []), heard]);
      ask(worker);
    });
  }

  async function add(worker: Worker): Promise<void> {
    const own = last.get(worker);
    if (own === undefined) return;
    const sum = await sumOfGrowing([before, own]);
    // At once, so that nobody finds it in both, or in neither.
    before = sum;
    last.delete(worker);
    gone.add(worker);
    setTimeout(() => gone.delete(worker), FORGOTTEN).unref();
  }

  function release(worker: Worker): void {
    for (const heard of waiting.get(worker) ?? []) heard();
    waiting.delete(worker);
  }

  return {
    note(worker, numbers) {
      if (gone.has(worker)) return; // they would count twice
      last.set(worker, numbers);
      release(worker);
    },
    left(worker) {
      release(worker);
      setTimeout(() => {
        adding = adding.then(() => add(worker));
      }, LAST_WORDS).unref();
    },
    async collect() {
      const asked = [...serving()];
      const answered = new Map(asked.map((worker) => [worker, last.get(worker)]));
      await Promise.all(asked.map(hear));
      await adding;
      return [
        before,
        ...[...last].map(([worker, numbers]) => {
          const isNew = answered.has(worker) && answered.get(worker) !== numbers;
          // A quantile of two processes is none of both.
          return numbers.filter((one) => one.type !== "summary" && (isNew || grows(one)));
        }),
      ];
    },
  };
}

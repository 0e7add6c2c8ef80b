import type { Clock } from "../ports/clock.ts";

/** Milliseconds for which long work holds up everybody else, and as long as one more piece of it takes. */
const LONGEST_HOLD = 1;

/** The clock that long work looks at. */
export type SliceClock = Pick<Clock, "monotonic">;

/** A share of the process for long work, so that other requests are answered in between. */
export interface TimeSlice {
  /** Whether the share is used up. */
  readonly isOver: () => boolean;
  /** Lets everybody else have a turn of the event loop; then the next share begins. */
  next(): Promise<void>;
}

/** Long work that waits for its turn: one line for the whole process. */
const waiting: (() => void)[] = [];

function takeTurn(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(takeTurn);
}

/**
 * Lets everybody else have a turn of the event loop. Of all long work in the process one piece is done each turn, so
 * that many long requests hold up the others no longer than one.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(takeTurn);
  });
}

/**
 * Begins a share. Between two pieces of work: `if (slice.isOver()) await slice.next()`.
 *
 * @param longest milliseconds
 */
export function beginTimeSlice(clock: SliceClock, longest = LONGEST_HOLD): TimeSlice {
  let since = clock.monotonic();
  return {
    isOver: () => clock.monotonic() - since > longest,
    async next() {
      await nextTurn();
      since = clock.monotonic();
    },
  };
}

/** Does some work for each item, and takes a turn of the event loop once a share is used up. */
export async function mapInSlices<Item, Result>(
  items: readonly Item[],
  clock: SliceClock,
  work: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const slice = beginTimeSlice(clock);
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (slice.isOver()) await slice.next();
    results.push(work(item, index));
  }
  return results;
}

/**
 * Does some work for each item, a number of them in one turn of the event loop. A list that is no longer than that is
 * done at once.
 *
 * @param together how many items take a few milliseconds at most
 */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  together: number,
  work: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % together === 0) await nextTurn();
    results.push(work(item, index));
  }
  return results;
}

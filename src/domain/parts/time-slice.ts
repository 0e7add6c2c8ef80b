import type { Clock } from "../ports/clock.ts";
import { nextTurn } from "./turn.ts";

/** Milliseconds for which long work holds up everybody else, and as long as one more piece of it takes. */
const LONGEST_HOLD = 1;

/**
 * Milliseconds that all shares have together which begin in one turn of the event loop: a hundred requests that arrive together
 * would else have a hundred shares before anybody else has a turn.
 */
const FIRST_SHARES = 3;

/** The clock that long work looks at. */
export type SliceClock = Pick<Clock, "monotonic">;

/** A share of the process for long work, so that other requests are answered in between. */
export interface TimeSlice {
  /** Whether the share is used up. */
  readonly isOver: () => boolean;
  /** Lets everybody else have a turn of the event loop; then the next share begins. */
  next(): Promise<void>;
}

/** The turn of the event loop in which shares have begun: when the first did, by the clock of its work. */
let turn: { readonly clock: SliceClock; readonly begun: number } | undefined;

/** How long shares have lasted already in this turn, milliseconds. */
function lastedInTurn(clock: SliceClock, now: number): number {
  if (turn?.clock === clock) return now - turn.begun;
  turn = { clock, begun: now };
  setImmediate(() => {
    turn = undefined;
  });
  return 0;
}

/**
 * Begins a share. Between two pieces of work: `if (slice.isOver()) await slice.next()`.
 *
 * @param longest milliseconds
 */
export function beginTimeSlice(clock: SliceClock, longest = LONGEST_HOLD): TimeSlice {
  let since = clock.monotonic();
  let isOver = lastedInTurn(clock, since) > FIRST_SHARES;
  return {
    isOver: () => isOver || clock.monotonic() - since > longest,
    async next() {
      await nextTurn();
      isOver = false;
      since = clock.monotonic();
    },
  };
}

/** Does one piece of work, in the next share if this one is used up. */
export async function inSlice<Result>(slice: TimeSlice, work: () => Result): Promise<Result> {
  if (slice.isOver()) await slice.next();
  return work();
}

/**
 * Does some work for each item, and takes a turn of the event loop once a share is used up.
 *
 * @param share a share that has begun, or the clock for one of its own
 */
export async function mapInSlices<Item, Result>(
  items: readonly Item[],
  share: TimeSlice | SliceClock,
  work: (item: Item, index: number) => Result,
): Promise<Result[]> {
  const slice = "isOver" in share ? share : beginTimeSlice(share);
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

import { setImmediate } from "node:timers/promises";

import type { Clock } from "../ports/clock.ts";

/** A share of the process for long work, so that other requests are answered in between. */
export interface TimeSlice {
  /** Whether the share is used up. */
  readonly isOver: () => boolean;
  /** Lets everybody else have a turn of the event loop; then the next share begins. */
  next(): Promise<void>;
}

/**
 * Begins a share. Between two pieces of work: `if (slice.isOver()) await slice.next()`.
 *
 * @param longest milliseconds
 */
export function beginTimeSlice(clock: Clock, longest: number): TimeSlice {
  let since = clock.monotonic();
  return {
    isOver: () => clock.monotonic() - since > longest,
    async next() {
      await setImmediate();
      since = clock.monotonic();
    },
  };
}

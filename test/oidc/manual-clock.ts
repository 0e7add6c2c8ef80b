import type { Clock } from "../../src/domain/ports/clock.ts";

/** A clock that stands until it is told to go on. */
export interface ManualClock extends Clock {
  advance(milliseconds: number): void;
}

/** @param start wall-clock time, unix milliseconds; not the machine's, so that code that reads that is found out */
export function manualClock(start = Date.parse("2031-03-04T05:06:07.800Z")): ManualClock {
  let passed = 0;
  return {
    now: () => start + passed,
    monotonic: () => 1_000 + passed,
    advance(milliseconds) {
      passed += milliseconds;
    },
  };
}

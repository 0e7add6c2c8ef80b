import type { Clock } from "../ports/clock.ts";

/** Tells whether this process's wall clock and the database's agree. */
export interface ClockCheck {
  /** Begins a reading of the database's clock. @returns to be called with what was read, unix milliseconds */
  begin(): (databaseNow: number) => void;
  /** Why the time cannot be told here; undefined where the clocks agreed when they were last compared. */
  problem(): string | undefined;
}

/**
 * Compares the clocks. Expiry is judged by this process's, and what is issued is dated by the database's: a
 * process that lags allows what has expired for as long as it lags, and no token could show it. Which of two
 * clocks is wrong cannot be known, so a difference is a reason to answer nothing, in either direction.
 *
 * @param toleranceMilliseconds difference that is no problem
 */
export function createClockCheck(clock: Clock, toleranceMilliseconds: number): ClockCheck {
  const why = `this replica's clock and the database's differ by more than ${toleranceMilliseconds / 1000} s`;
  let agree = true;
  return {
    begin() {
      const before = clock.now();
      return (databaseNow) => {
        // It was read at some time in between, however long that took.
        const apart = Math.max(before - databaseNow, databaseNow - clock.now());
        agree = apart <= toleranceMilliseconds;
      };
    },
    problem: () => (agree ? undefined : why),
  };
}

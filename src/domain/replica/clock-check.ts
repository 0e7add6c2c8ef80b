import type { Clock } from "../ports/clock.ts";

/** Tells whether this process's wall clock and the database's agree. */
export interface ClockCheck {
  /** Begins a reading of the database's clock. @returns a function that takes the reading, unix milliseconds */
  begin(): (databaseNow: number) => void;
  /** The reason why the time cannot be told here; undefined if the clocks agreed when they were last compared. */
  problem(): string | undefined;
}

/**
 * Compares the clocks. This process's clock decides expiry, and the database's dates issued tokens. A process that
 * lags would allow expired tokens for as long as it lags, and no token could show it. It cannot be known which of the
 * two clocks is wrong, so a difference in either direction is a reason to answer nothing.
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
        // The database read its clock at some time in between, however long the query took.
        const apart = Math.max(before - databaseNow, databaseNow - clock.now());
        agree = apart <= toleranceMilliseconds;
      };
    },
    problem: () => (agree ? undefined : why),
  };
}

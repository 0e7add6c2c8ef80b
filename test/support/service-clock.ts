import type { Clock } from "../../src/domain/ports/clock.ts";
import { calmNow } from "./calm-clock.ts";

/** The service's clock, running unless it is frozen, and moved by tests. */
export interface TestClock extends Clock {
  /** Moves both hands onward, milliseconds. */
  advance(milliseconds: number): void;
  /** Moves the wall clock alone, as when an operator sets it; negative goes back. */
  shiftWall(milliseconds: number): void;
  /** Moves the monotonic hand alone. */
  shiftMonotonic(milliseconds: number): void;
  /** Stops the monotonic hand, which is moved by tests alone then; false lets it run again, from where it stands. */
  holdMonotonic(held: boolean): void;
  /** Stops the wall clock at an instant, unix milliseconds; undefined lets it run again. */
  freeze(at: number | undefined): void;
}

/** A clock whose wall clock begins with the machine's time. Its monotonic hand waits for a busy machine. */
export function createTestClock(): TestClock {
  let wall = 0;
  let monotonic = 0;
  let heldAt: number | undefined;
  let frozen: number | undefined;
  return {
    now: () => frozen ?? Date.now() + wall,
    monotonic: () => (heldAt ?? calmNow()) + monotonic,
    advance(milliseconds) {
      wall += milliseconds;
      monotonic += milliseconds;
      if (frozen !== undefined) frozen += milliseconds;
    },
    shiftWall(milliseconds) {
      wall += milliseconds;
    },
    shiftMonotonic(milliseconds) {
      monotonic += milliseconds;
    },
    holdMonotonic(held) {
      if (held) heldAt ??= calmNow();
      else if (heldAt !== undefined) {
        monotonic -= calmNow() - heldAt;
        heldAt = undefined;
      }
    },
    freeze(at) {
      frozen = at;
    },
  };
}

import type { Clock } from "../../src/domain/ports/clock.ts";
import type { Randomness } from "../../src/domain/ports/randomness.ts";

/** A clock that stands still until it is moved. */
export function createManualClock(at = 0) {
  let now = at;
  const clock: Clock = { now: () => now, monotonic: () => now };
  return {
    clock,
    advance(milliseconds: number) {
      now += milliseconds;
    },
  };
}

/** Bytes that are all different from call to call and the same in every run. */
export function createCountingRandomness(): Randomness {
  let count = 0;
  return {
    bytes: (length) =>
      Uint8Array.from({ length }, () => {
        count = (count * 73 + 41) % 65_537;
        return count & 0xff;
      }),
  };
}

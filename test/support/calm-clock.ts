/** Milliseconds between two ticks. */
const TICK = 10;

let passed = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  passed += Math.min(now - last, 2 * TICK);
  last = now;
}, TICK).unref();

/**
 * Milliseconds by a clock that stands still while this process is not run, or is busy with something else. On a quiet
 * machine it is as fast as any other, to the tick.
 *
 * It is for upper bounds, and for services whose answers become too old while nobody lets them work.
 */
export function calmNow(): number {
  return passed;
}

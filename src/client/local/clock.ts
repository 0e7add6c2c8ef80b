/** Time, as a local verifier needs it; a test brings its own. */
export interface LocalClock {
  /** Unix milliseconds. */
  now(): number;
  /** Milliseconds that only ever grow, from anywhere. */
  monotonic(): number;
}

export const systemLocalClock: LocalClock = { now: () => Date.now(), monotonic: () => performance.now() };

/** A moment on both clocks. */
export interface Moment {
  readonly now: number;
  readonly monotonic: number;
}

export function moment(clock: LocalClock): Moment {
  return { now: clock.now(), monotonic: clock.monotonic() };
}

/**
 * Milliseconds since a moment, by the clock that ran further. A monotonic clock may stand still while a
 * machine sleeps, and a wall clock may be set back; knowledge must not look younger for either.
 */
export function elapsed(clock: LocalClock, since: Moment): number {
  return Math.max(clock.monotonic() - since.monotonic, clock.now() - since.now);
}

/** The readings that the service's clock may have, unix milliseconds. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** How far two good clocks drift apart: a part of the time that has gone by. */
const DRIFT = 0.0002;

/** The readings that the service's clock may have now, by an answer's `Date`, which names a whole second. */
export function serviceTime(
  clock: LocalClock,
  anchor: { readonly date: number; readonly asked: Moment; readonly answered: Moment },
): Window {
  const monotonic = clock.monotonic();
  const least = monotonic - anchor.answered.monotonic;
  const most = elapsed(clock, anchor.asked);
  return { from: anchor.date + least * (1 - DRIFT), to: anchor.date + 1_000 + most * (1 + DRIFT) };
}

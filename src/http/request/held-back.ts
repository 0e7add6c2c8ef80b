import type { Clock } from "../../domain/ports/clock.ts";

/** Milliseconds after which a body is held back: one that came with its head, or right behind it, takes less. */
const LONG = 5;

/**
 * Measures how long a request's body took. Whoever sent it decides that, and a session, a login or a credential may
 * have ended meanwhile: after a long wait the caller is asked for anew, before anything is done for them.
 */
export function beginWait(clock: Pick<Clock, "monotonic">): { wasLong(): boolean } {
  const begun = clock.monotonic();
  return { wasLong: () => clock.monotonic() - begun > LONG };
}

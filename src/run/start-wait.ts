import { setTimeout as sleep } from "node:timers/promises";

import { DomainError } from "../domain/parts/error.ts";

/** Milliseconds between two tries: doubled with each. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 2_000;

/** Milliseconds after which the same reason is told again. */
const REPEAT = 10_000;

/** Settings of a wait. */
export interface StartWait {
  /** How long is waited at most, milliseconds. */
  readonly patience: number;
  /** Ends the wait, with its reason. */
  readonly signal: AbortSignal;
  /** Told why it does not go on, and how long is still waited, milliseconds. */
  readonly onWait: (why: string, left: number) => void;
}

/**
 * Opens something as soon as it can be had. Only a fault that may pass by itself is waited for: a server that starts, a
 * name that is about to be known, and not a wrong password.
 *
 * @throws the error that `open` threw, at once if it will not pass, else once the time is over; the signal's reason
 */
export async function waitToOpen<T extends { close(): Promise<void> }>(
  open: () => Promise<T>,
  { patience, signal, onWait }: StartWait,
): Promise<T> {
  const until = performance.now() + patience;
  const aborted = new Promise<never>((_, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  aborted.catch(() => {}); // it is raced, and may lose
  let told = { why: "", at: 0 };
  for (let wait = FIRST_PAUSE; ; wait = Math.min(2 * wait, LONGEST_PAUSE)) {
    const opening = open();
    try {
      return await Promise.race([opening, aborted]);
    } catch (error) {
      if (signal.aborted) {
        opening.then((late) => late.close()).catch(() => {});
        throw error;
      }
      const now = performance.now();
      if (!(error instanceof DomainError) || error.code !== "unavailable" || now >= until) throw error;
      if (error.message !== told.why || now - told.at >= REPEAT) {
        told = { why: error.message, at: now };
        onWait(error.message, until - now);
      }
      await sleep(Math.min(wait, until - now), undefined, { signal });
    }
  }
}

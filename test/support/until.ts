import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds: longer than a busy machine stands still, and shorter than a test may take. */
const PATIENCE = 60_000;

/**
 * Waits until something holds.
 *
 * @param holds asked again and again
 * @returns its first answer that is neither false nor undefined
 * @throws Error where it does not come to hold
 */
export async function until<T>(holds: () => T | Promise<T>): Promise<Exclude<T, false | undefined>> {
  const late = performance.now() + PATIENCE;
  for (;;) {
    const answer = await holds();
    if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
    if (performance.now() > late) throw new Error(`waited in vain until ${holds.toString()}`);
    await pause(5);
  }
}

/** Lets everything run that waits for nothing but its turn. */
export async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

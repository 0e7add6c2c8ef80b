import { randomFillSync } from "node:crypto";

import type { Clock } from "../domain/ports/clock.ts";
import type { Randomness } from "../domain/ports/randomness.ts";
import type { Steps } from "../domain/ports/steps.ts";

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** The operating system's random source. */
export const systemRandomness: Randomness = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

/** Nobody listens. */
export const unwatchedSteps: Steps = { passed: () => undefined };

import { randomFillSync } from "node:crypto";

import type { Clock } from "../domain/ports/clock.ts";
import type { Randomness } from "../domain/ports/randomness.ts";
import type { Steps } from "../domain/ports/steps.ts";

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** Bytes that are drawn for many ids at once: each draw costs as much as a hundred ids. */
const DRAWN = 4_096;

/** Most bytes that are taken out of what was drawn: an id's. Keys and secrets are drawn for themselves. */
const ID_BYTES = 16;

/** Makes a source that keeps what it has drawn for ids. */
function createSystemRandomness(): Randomness {
  const drawn = new Uint8Array(DRAWN);
  let at = DRAWN;
  return {
    bytes(length) {
      if (length > ID_BYTES) return randomFillSync(new Uint8Array(length));
      if (at + length > DRAWN) {
        randomFillSync(drawn);
        at = 0;
      }
      const bytes = drawn.slice(at, at + length);
      drawn.fill(0, at, at + length);
      at += length;
      return bytes;
    },
  };
}

/** The operating system's random source, for the whole process. */
export const systemRandomness: Randomness = createSystemRandomness();

/** Nobody listens. */
export const unwatchedSteps: Steps = { passed: () => undefined };

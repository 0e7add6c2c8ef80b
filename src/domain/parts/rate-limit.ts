import type { Clock } from "../ports/clock.ts";
import { forgetOldest } from "./forget-oldest.ts";

/** A token bucket for each of many keys, within bounded memory. */
export interface RateLimit {
  /** Takes one from the key's bucket. @returns false if it is empty */
  take(key: string): boolean;
  /** Puts one back into the key's bucket, for an action that came to nothing. */
  giveBack(key: string): void;
}

/**
 * @param perSecond how fast a bucket refills
 * @param burst how many a full bucket holds
 * @param maxKeys how many buckets are remembered; past that the longest unused is forgotten, which
 *   means full again: choose it so large that forgetting costs an attacker more than it gains
 */
export function createRateLimit(options: {
  readonly clock: Pick<Clock, "monotonic">;
  readonly perSecond: number;
  readonly burst: number;
  readonly maxKeys: number;
}): RateLimit {
  const buckets = new Map<string, { level: number; at: number }>();
  return {
    take(key) {
      const at = options.clock.monotonic();
      const known = buckets.get(key);
      const level =
        known === undefined
          ? options.burst
          : Math.min(options.burst, known.level + ((at - known.at) / 1000) * options.perSecond);
      const taken = level >= 1;
      buckets.delete(key); // a map keeps the order of insertion: the first is the longest unused
      buckets.set(key, { level: taken ? level - 1 : level, at });
      forgetOldest(buckets, options.maxKeys);
      return taken;
    },

    giveBack(key) {
      const bucket = buckets.get(key);
      if (bucket !== undefined) bucket.level = Math.min(options.burst, bucket.level + 1);
    },
  };
}

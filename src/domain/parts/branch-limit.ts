import type { Clock } from "../ports/clock.ts";
import { forgetOldest } from "./forget-oldest.ts";

/** Token buckets of a tree: each branch has a part of what stands above it. */
export interface BranchLimit {
  /**
   * Takes one from every bucket on the way to a branch, or from none.
   *
   * @param way names, from the tree's own down to the branch's
   * @returns false if one of them is empty
   */
  take(way: readonly string[]): boolean;
}

/**
 * Makes the buckets. A branch that takes without end empties its own, and leaves to all others the rest of what stands above
 * it.
 *
 * @param options.share the part of the tree's rate and burst that one branch has, and so on below it
 * @param options.maxKeys how many buckets are remembered; past that the longest unused is forgotten, which means full again
 */
export function createBranchLimit(options: {
  readonly clock: Pick<Clock, "monotonic">;
  readonly perSecond: number;
  readonly burst: number;
  readonly share: number;
  readonly maxKeys: number;
}): BranchLimit {
  const { clock, perSecond, burst, share, maxKeys } = options;
  const buckets = new Map<string, { readonly level: number; readonly at: number }>();
  return {
    take(way) {
      const at = clock.monotonic();
      const levels = way.map((name, index) => {
        const part = share ** index;
        const most = Math.max(1, burst * part);
        const known = buckets.get(name);
        return known === undefined
          ? most
          : Math.min(most, known.level + ((at - known.at) / 1000) * perSecond * part);
      });
      if (levels.some((level) => level < 1)) return false;
      for (const [index, name] of way.entries()) {
        buckets.delete(name); // a map keeps the order of insertion: the first is the longest unused
        buckets.set(name, { level: (levels[index] ?? 1) - 1, at });
      }
      forgetOldest(buckets, maxKeys);
      return true;
    },
  };
}

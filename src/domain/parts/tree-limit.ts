import type { Clock } from "../ports/clock.ts";
import { forgetOldest } from "./forget-oldest.ts";

/** A limit for each of many trees, shared by the links in it. */
export interface TreeLimit {
  /**
   * Takes one for a link of a tree, or none.
   *
   * @param way the tree's name, then the links below it, each by a name of its own, down to the one that takes
   * @returns false if the tree, or a link on the way, has used up its room
   */
  take(way: readonly string[]): boolean;
  /** Puts one back, for an action that came to nothing. */
  giveBack(way: readonly string[]): void;
}

/** A count that falls by itself: to a third in the time in which the whole limit is refilled. */
interface Use {
  readonly count: number;
  /** By the monotonic clock, milliseconds. */
  readonly at: number;
}

/** Links of one tree, and of all, that uses are remembered for. A macaroon has fewer than 256. */
const LINKS_OF_TREE = 1_024;
const LINKS = 250_000;

/** The part of the burst below which a link has taken little, and the least number that counts as much. */
const LITTLE = 1 / 64;
const LEAST = 1 / 2;

/**
 * Makes a limit that nobody can use up for those above or beside them.
 *
 * Anybody can make as many links below their own as they like, so a limit by link bounds nothing, and one for the whole tree
 * is used up by its lowest link. Here a link's takings count for it and for all links above it. A link that has taken
 * little may take the rest of the room above it. One that has taken much has room of its own: the room that is left once
 * others have taken theirs, but for a part that stays with the link above and with those beside it. That is a quarter directly
 * under the tree, a ninth below that, then a sixteenth, and never less than one.
 *
 * - **Above and beside.** However much is taken below a link, by any links that are made there, it counts for that link. Its
 *   room ends while the link above has some left. So the link above, those above that, and each one beside can take one
 *   more at once. As uses fall, the next is theirs as well, until they have taken much too (8 of 512): a link that has
 *   taken much needs two to be left, and further up many more.
 * - **The whole.** Every taking counts for the tree, which has `burst`, and `perSecond` once it is used up. The tree's
 *   own macaroon stands above all links: only its holder can take all of it.
 * - **Several at once.** Some n links beside each other that take without end leave to others one part in 3n + 1 directly
 *   under the tree, once their uses have come to be alike; until then, of the room that one leaves, the next
 *   takes three quarters.
 * - **Deep down.** The parts that are left to a link (3/4, 8/9, 15/16, …) come to more than a half, less one for each link
 *   further down: of 512, a link that is alone has 32 if it stands 255 links down.
 *
 * To forget is to count anew from nothing. In a tree the links are forgotten that were longest unused, and each taking uses
 * all links on its way: a link that takes without end is not forgotten. Of trees, the links of the one that was
 * longest unused are; its own use stands for as long as it is among `maxTrees`.
 *
 * The shares are those of a switch's buffer that is shared by dynamic thresholds (Choudhury and Hahne, IEEE/ACM Transactions
 * on Networking 6 (2), 1998).
 *
 * @param options.burst takings at once of one tree
 * @param options.perSecond takings a second of a tree that has used up its burst
 * @example
 * const limit = createTreeLimit({ clock, perSecond: 1, burst: 512, maxTrees: 50_000 });
 * limit.take([tokenId, ...revocationIdsBelowIt]);
 */
export function createTreeLimit(options: {
  readonly clock: Pick<Clock, "monotonic">;
  readonly perSecond: number;
  readonly burst: number;
  readonly maxTrees: number;
}): TreeLimit {
  const { clock, burst } = options;
  const fall = (burst / options.perSecond) * 1_000;
  /** The longest unused first, here and below. */
  const trees = new Map<string, Use>();
  const linksOf = new Map<string, Map<string, Use>>();
  let links = 0;

  function countOf(use: Use | undefined, now: number): number {
    return use === undefined ? 0 : use.count * Math.exp((use.at - now) / fall);
  }

  function countsOf([tree = "", ...below]: readonly string[], now: number): readonly number[] {
    const known = linksOf.get(tree);
    return [countOf(trees.get(tree), now), ...below.map((link) => countOf(known?.get(link), now))];
  }

  /** @param counts of a way. The tree becomes the newest, and of its links the one that stands highest */
  function note([tree = "", ...below]: readonly string[], counts: readonly number[], at: number): void {
    trees.delete(tree);
    trees.set(tree, { count: counts[0] ?? 0, at });
    forgetOldest(trees, options.maxTrees);
    if (below.length === 0) return;
    const known = linksOf.get(tree) ?? new Map<string, Use>();
    linksOf.delete(tree);
    linksOf.set(tree, known);
    links -= known.size;
    for (const [index, link] of [...below.entries()].reverse()) {
      known.delete(link);
      known.set(link, { count: counts[index + 1] ?? 0, at });
    }
    forgetOldest(known, LINKS_OF_TREE);
    links += known.size;
    for (const [oldest, { size }] of linksOf) {
      if (links <= LINKS) return;
      linksOf.delete(oldest);
      links -= size;
    }
  }

  return {
    take(way) {
      const now = clock.monotonic();
      const counts = countsOf(way, now);
      if (!hasRoom(counts, burst)) return false;
      const taken = counts.map((count) => count + 1);
      note(way, taken, now);
      return true;
    },

    giveBack(way) {
      const now = clock.monotonic();
      const given = countsOf(way, now).map((count) => Math.max(0, count - 1));
      note(way, given, now);
    },
  };
}

/** @param counts of a tree and of links below it, each of which holds those behind it */
function hasRoom(counts: readonly number[], burst: number): boolean {
  const much = Math.max(LEAST, burst * LITTLE);
  let room = burst;
  let above = counts[0] ?? 0;
  for (const [index, own] of counts.entries()) {
    if (index > 0) room -= Math.max(0, above - own);
    if (index > 0 && own >= much) room -= Math.max(1, room / (index + 1) ** 2);
    if (own + 1 > room) return false;
    above = own;
  }
  return true;
}

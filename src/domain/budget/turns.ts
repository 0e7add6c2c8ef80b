import { DomainError } from "../parts/error.ts";
import { createShare, type Share } from "../parts/share.ts";
import type { Clock } from "../ports/clock.ts";

/** Does work on the counters of a platform in its turn: one piece after another, in the order in which they came. */
export type BudgetTurns = <T>(platform: string, work: () => Promise<T>) => Promise<T>;

/** Milliseconds that work on counters waits for its turn. Whoever asked for it has given up by then. */
const LONGEST_WAIT = 5_000;

/** Connections of a store that does not say its number. */
const USUAL_CONNECTIONS = 10;

/**
 * Makes the turns of platforms at the counters.
 *
 * A platform has one statement under way, whether it charges or settles, and all platforms together at most half of the
 * connections: so one platform's counter that somebody holds keeps nobody else's calls waiting, and budgets nothing else.
 *
 * @param connections the largest number of connections that the store opens
 */
export function createBudgetTurns({
  connections = USUAL_CONNECTIONS,
}: {
  readonly connections?: number | undefined;
}): BudgetTurns {
  const together = createShare(Math.max(1, Math.floor(connections / 2)));
  const own = new Map<string, Share>();
  return (platform, work) => {
    let share = own.get(platform);
    if (share === undefined) {
      share = createShare(1);
      own.set(platform, share);
    }
    return share(() => together(work));
  };
}

/** Refuses what has waited for its turn for too long. @param since by the monotonic clock, milliseconds */
export function requireInTime(clock: Pick<Clock, "monotonic">, since: number): void {
  if (clock.monotonic() - since <= LONGEST_WAIT) return;
  throw new DomainError("unavailable", "too many calls wait for the budgets of this platform: ask again");
}

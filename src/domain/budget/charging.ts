import { DomainError } from "../parts/error.ts";
import { createGathering, type Outcome } from "../parts/gathering.ts";
import { createShare } from "../parts/share.ts";
import type { BudgetCall, BudgetOutcome } from "../ports/budgets.ts";
import type { Clock } from "../ports/clock.ts";
import type { Store } from "../ports/store.ts";

/**
 * Charges one call to all of its counters or to none, and uses up its proof. Rejects with `unavailable` if nobody can tell whether it was
 * charged, or if it had to wait for too long and was not.
 */
export type Charging = (platform: string, call: BudgetCall) => Promise<BudgetOutcome>;

/** Counters, and proofs, that one group may draw on, unless a single call has more: all are held until the group is written. */
const TOGETHER = 1_000;

/** Milliseconds that a call waits for its turn. */
const LONGEST_WAIT = 5_000;

/** Connections of a store that does not say its number. */
const USUAL_CONNECTIONS = 10;

interface Job {
  readonly call: BudgetCall;
  /** By the monotonic clock, milliseconds. */
  readonly since: number;
}

function late(): Outcome<BudgetOutcome> {
  const error = new DomainError(
    "unavailable",
    "too many calls wait for the budgets of this platform: ask again",
  );
  return { ok: false, error };
}

/**
 * Makes the charging of budgets.
 *
 * Calls of one platform that arrive while others are under way are charged together, one after another in the order in
 * which they came. A platform has one group under way, and all groups together at most half of the connections: so one
 * platform's counter that somebody holds keeps nobody else's calls waiting, and budgets nothing else.
 */
export function createCharging(options: {
  readonly store: Pick<Store, "budgets">;
  readonly clock: Pick<Clock, "monotonic">;
  /** The largest number of connections that the store opens. */
  readonly connections?: number | undefined;
}): Charging {
  const { store, clock, connections = USUAL_CONNECTIONS } = options;
  const share = createShare(Math.max(1, Math.floor(connections / 2)));
  const gatherings = new Map<string, (job: Job) => Promise<BudgetOutcome>>();

  async function chargeAll(
    platform: string,
    jobs: readonly Job[],
  ): Promise<readonly Outcome<BudgetOutcome>[]> {
    const now = clock.monotonic();
    const isLate = ({ since }: Job) => now - since > LONGEST_WAIT;
    const calls = jobs.filter((job) => !isLate(job)).map(({ call }) => call);
    const outcomes = (calls.length === 0 ? [] : await store.budgets.charge(platform, calls)).values();
    return jobs.map((job) => {
      if (isLate(job)) return late();
      const { value } = outcomes.next();
      if (value === undefined) throw new Error("a group has fewer outcomes than calls");
      return { ok: true, value };
    });
  }

  return (platform, call) => {
    let gathering = gatherings.get(platform);
    if (gathering === undefined) {
      gathering = createGathering({
        run: (jobs: readonly Job[]) => share(() => chargeAll(platform, jobs)),
        weigh: ({ call }) => call.draws.length + (call.proof === undefined ? 0 : 1),
        room: TOGETHER,
        atOnce: 1,
      });
      gatherings.set(platform, gathering);
    }
    return gathering({ call, since: clock.monotonic() });
  };
}

import { TOKEN_BUDGETS } from "../../words/limits.ts";
import { createGathering, type Outcome, outcomeOf } from "../parts/gathering.ts";
import type { BudgetCall, BudgetOutcome } from "../ports/budgets.ts";
import type { Clock } from "../ports/clock.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import { type BudgetTurns, requireInTime } from "./turns.ts";

/**
 * Charges one call to all of its counters or to none, and uses up its proof. Rejects with `unavailable` if nobody can tell whether it was
 * charged, or if it had to wait for too long and was not.
 *
 * @param line names the person, and of the person's root macaroons the one that the token descends from: its calls wait in a line of
 *   their own, in which they have turns among the person's
 */
export type Charging = (
  platform: string,
  call: BudgetCall,
  line: { readonly person: string; readonly tree: string },
) => Promise<BudgetOutcome>;

/**
 * Counters, and proofs, that one group draws on: all are held until the group is written, and the embedded database does nothing
 * else meanwhile.
 */
const TOGETHER = 8 * TOKEN_BUDGETS;

interface Job {
  readonly call: BudgetCall;
  readonly line: Parameters<Charging>[2];
  /** By the monotonic clock, milliseconds. */
  readonly since: number;
}

/**
 * Makes the charging of budgets. Calls of one platform that arrive while others are under way are charged together, one
 * after another: those of one tree in the order in which they came, a person's trees in turn, and people in turn. So
 * whoever asks for more than can be counted waits alone, with however many trees.
 */
export function createCharging(options: {
  readonly store: Pick<Store, "budgets">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly budgetTurns: BudgetTurns;
  readonly steps: Steps;
}): Charging {
  const { store, clock, budgetTurns, steps } = options;
  const gatherings = new Map<string, (job: Job) => Promise<BudgetOutcome>>();

  async function chargeAll(
    platform: string,
    jobs: readonly Job[],
  ): Promise<readonly Outcome<BudgetOutcome>[]> {
    const inTime = jobs.map(({ since }) => outcomeOf(() => requireInTime(clock, since)));
    const calls = jobs.filter((_, index) => inTime[index]?.ok).map(({ call }) => call);
    const outcomes = (calls.length === 0 ? [] : await chargeStored(platform, calls)).values();
    return inTime.map((one) => {
      if (!one.ok) return one;
      const { value } = outcomes.next();
      if (value === undefined) throw new Error("a group has fewer outcomes than calls");
      return { ok: true, value };
    });
  }

  async function chargeStored(platform: string, calls: readonly BudgetCall[]) {
    await steps.passed("charge:begun");
    const outcomes = await store.budgets.charge(platform, calls);
    await steps.passed("charge:committed");
    return outcomes;
  }

  return (platform, call, line) => {
    let gathering = gatherings.get(platform);
    if (gathering === undefined) {
      gathering = createGathering({
        run: (jobs: readonly Job[]) => budgetTurns(platform, () => chargeAll(platform, jobs)),
        weigh: ({ call }) => call.draws.length + (call.proof === undefined ? 0 : 1),
        room: TOGETHER,
        lane: ({ line }) => [line.person, line.tree],
        atOnce: 1,
      });
      gatherings.set(platform, gathering);
    }
    return gathering({ call, line, since: clock.monotonic() });
  };
}

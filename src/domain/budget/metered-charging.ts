import type { BudgetOutcome } from "../ports/budgets.ts";
import type { ChargeOutcome, Meter } from "../ports/meter.ts";
import type { Charging } from "./charging.ts";

/** A proof that came before, and a key of another question: nothing was charged, for no want of budget. */
function outcomeOf({ passed, repeated, mismatched, replayed }: BudgetOutcome): ChargeOutcome {
  if (mismatched || replayed) return "failed";
  if (repeated) return "repeated";
  return passed ? "charged" : "exhausted";
}

/** Counts charges by what became of them. One that draws on no counter, as a proof alone does, and one that only asks, count nothing. */
export function meteredCharging(charge: Charging, meter: Meter): Charging {
  return async (platform, call, line) => {
    const counts = call.draws.length > 0 && !call.dry;
    try {
      const outcome = await charge(platform, call, line);
      if (counts) meter.charged(outcomeOf(outcome));
      return outcome;
    } catch (error) {
      if (counts) meter.charged("failed");
      throw error;
    }
  };
}

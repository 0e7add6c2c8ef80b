import { type Decimal, formatDecimal } from "../../caveats/values/decimal.ts";
import { ANY_RESOURCE, type Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { requirePlatform } from "../permission.ts";
import type { OwnedReservation, Reservation, Settlement } from "../ports/budgets.ts";
import type { Clock } from "../ports/clock.ts";
import type { Steps } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { Reservations } from "../service.ts";
import { type BudgetTurns, requireInTime } from "./turns.ts";

function noSuchReservation(): DomainError {
  return new DomainError("not_found", "no such reservation");
}

function reservationOf(settlement: Settlement): Reservation {
  switch (settlement.outcome) {
    case "done":
      return settlement.reservation;
    case "unknown":
      throw noSuchReservation();
    case "other_state": {
      const { state } = settlement.reservation;
      const why = state === "expired" ? "has ended and stays charged" : `was ${state} before, in another way`;
      throw new DomainError("conflict", `the reservation ${why}`);
    }
    case "other_cost":
      throw new DomainError(
        "unprocessable",
        "must name each unit that was reserved and no other, and no more of it than was reserved",
        "cost",
      );
    default:
      return settlement satisfies never;
  }
}

/** Settles reservations. Revocation and expiry change nothing here, because the call was allowed. */
export function createReservations(options: {
  readonly store: Pick<Store, "budgets">;
  readonly clock: Pick<Clock, "monotonic">;
  readonly budgetTurns: BudgetTurns;
  readonly steps: Steps;
}): Reservations {
  const { clock, budgetTurns, steps } = options;
  const { budgets } = options.store;

  /**
   * Finds a reservation for the platform and the resource that reserved: to every other it is as unknown as one that never was.
   * A credential that was issued for a resource settles nothing of what the platform reserved as another or as none.
   */
  async function owned(caller: Caller, id: string): Promise<{ platform: string; found: OwnedReservation }> {
    const platform = requirePlatform(caller, "verify", ANY_RESOURCE);
    const found = await budgets.reservation(platform, id);
    if (found === undefined || caller.kind !== "service") throw noSuchReservation();
    const resource = found.resource ?? undefined;
    const isTheirs = caller.resource === undefined || caller.resource === resource;
    if (!isTheirs || caller.refuses("verify", platform, resource) !== undefined) throw noSuchReservation();
    return { platform, found };
  }

  /** @param cost null to give all back */
  async function settle(
    caller: Caller,
    id: string,
    cost: ReadonlyMap<string, Decimal> | null,
  ): Promise<Reservation> {
    const since = clock.monotonic();
    const { platform } = await owned(caller, id);
    const settlement = await budgetTurns(platform, async () => {
      requireInTime(clock, since);
      await steps.passed("settle:begun");
      const settled = await budgets.settle(platform, id, cost && plainCost(cost));
      await steps.passed("settle:committed");
      return settled;
    });
    return reservationOf(settlement);
  }

  return {
    get: async (caller, id) => (await owned(caller, id)).found,
    settle,
    release: (caller, id) => settle(caller, id, null),
  };
}

/** A cost by unit, as decimals in plain notation. */
export function plainCost(cost: ReadonlyMap<string, Decimal>): Readonly<Record<string, string>> {
  return Object.fromEntries([...cost].map(([unit, amount]) => [unit, formatDecimal(amount)]));
}

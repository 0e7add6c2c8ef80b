import type { AllowedDecision } from "../answers.ts";
import type { Bakehouse } from "../bakehouse.ts";
import type { VerifyRequest } from "../requests.ts";
import { aFunction, aNumber, anObject, type Check, type Checks, checkOptions, ifSaid } from "../shape.ts";

/** What a call costs, by unit. */
export type Cost = NonNullable<VerifyRequest["cost"]>;

/** What a guarded call costs, for the `spend` budgets of its token. */
export interface Price<Call, Done> {
  /** Its price; if that is known afterwards alone, the most that it can cost. */
  readonly cost: (call: Call) => Cost | Promise<Cost>;
  /** Charges `cost` as an upper bound, and gives back the rest once the call is over. */
  readonly settle?: {
    readonly service: Pick<Bakehouse, "reservations">;
    /** What it did cost: each unit of `cost`, and no more of it. */
    readonly spent: (done: Done) => Cost | Promise<Cost>;
    /** Seconds that the call may take, 60 unless said. */
    readonly within?: number;
    /** Told why a call that is over was not settled. All of its `cost` stays charged. */
    readonly onUnsettled: (error: unknown) => void;
  };
}

/** A price that is passed over would charge nothing. */
const COST: Check = aFunction("() => ({ credits: 3 })");

const SETTLE: Checks<NonNullable<Price<never, never>["settle"]>> = {
  service: anObject("a Bakehouse"),
  spent: aFunction("(done) => ({ credits: done.credits })"),
  within: ifSaid(aNumber("60, in seconds")),
  onUnsettled: aFunction("console.error"),
};

/** Checks of the price among some options. */
export const PRICE: Checks<Price<never, never>> = {
  cost: COST,
  settle: anObject("{ service, spent, onUnsettled }"),
};

/** @throws TypeError for a `settle` of the wrong shape, and for one without a `cost` */
export function checkSettle(name: string, price: Partial<Price<never, never>> | undefined): void {
  if (price?.settle === undefined) return;
  const like = "{ service, spent, onUnsettled }";
  checkOptions(`${name}: settle`, price.settle, SETTLE, like);
  for (const member of ["service", "spent", "onUnsettled"]) {
    if (!(member in price.settle)) throw new TypeError(`${name}: settle has no ${member}: ${like}`);
  }
  if (price.cost === undefined) {
    throw new TypeError(`${name}: settle needs a cost beside it: the most that a call can take`);
  }
}

/** Seconds that a call may take, unless said. */
const USUAL_TIME = 60;

/** The part of a question that says the price. */
export async function priceOf<Call>(
  price: Partial<Price<Call, never>> | undefined,
  call: Call,
): Promise<Pick<VerifyRequest, "cost" | "reserve">> {
  if (price?.cost === undefined) return {};
  const cost = await price.cost(call);
  return price.settle === undefined ? { cost } : { cost, reserve: price.settle.within ?? USUAL_TIME };
}

/** Settles what a call that has run was charged. Never rejects: the call has run, whatever comes of this. */
export async function settle<Done>(
  price: Partial<Price<never, Done>> | undefined,
  { reservation }: AllowedDecision,
  done: Done,
): Promise<void> {
  // A token without budgets has no reservation.
  if (price?.settle === undefined || reservation === undefined) return;
  const { service, spent, onUnsettled } = price.settle;
  try {
    await service.reservations.settle(reservation.id, await spent(done));
  } catch (error) {
    onUnsettled(error);
  }
}

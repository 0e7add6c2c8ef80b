import { agentText, type BudgetCaveat, isBudget, type RateWindow } from "../../caveats/caveat.ts";
import { placeOf } from "../../caveats/clear.ts";
import { type Condition, shownCaveat } from "../../caveats/condition.ts";
import { earliestExpiry } from "../../caveats/expiry.ts";
import { explainBudget } from "../../caveats/explain.ts";
import { rateText } from "../../caveats/print.ts";
import { type Decimal, formatDecimal } from "../../caveats/values/decimal.ts";
import type { RevocationId, VerifiedChain, VerifiedMacaroon } from "../../macaroon/index.ts";
import type { Place } from "../../words/states.ts";
import { plainCost } from "../budget/reservations.ts";
import type { BudgetView } from "../budget-view.ts";
import type { BudgetCall, BudgetDraw, BudgetOutcome, NewReservation } from "../ports/budgets.ts";
import type { CaveatFailure } from "../service.ts";
import { issuedInDischarges } from "./issued-discharges.ts";

/** A budget on a verified chain, and the link under which it is counted. */
export interface Budget {
  readonly caveat: BudgetCaveat;
  /** The caveat as it may be shown. */
  readonly text: string;
  /** Its place in the chain of its macaroon. */
  readonly index: number;
  /** The nearest agent before it in its macaroon; null before the first. */
  readonly agent: string | null;
  readonly placed: Place;
  /** The place of the discharge that it stands in; undefined in the root macaroon. */
  readonly discharge: number | undefined;
  readonly link: RevocationId;
  /**
   * The earliest `time <` at or above it in its own macaroon, and in a discharge that of the issued token at the latest:
   * unix milliseconds.
   */
  readonly endsAt: number;
}

/** The budgets of nearly all tokens. */
const NONE: readonly Budget[] = [];

/** Milliseconds. */
const WINDOWS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const satisfies Record<
  RateWindow,
  number
>;

/**
 * The budgets of a bundle: those of the root macaroon first, then those of each good discharge.
 *
 * @param issuedEnd when the token ends as it was issued, unix milliseconds: what holders appended to it ends it for them
 *   alone, and a discharge may serve others of its tree
 */
export function budgetsOf(
  macaroon: VerifiedMacaroon,
  conditions: readonly Condition[],
  dischargeConditions: readonly (readonly Condition[])[],
  issued: number,
  issuedEnd: number,
): readonly Budget[] {
  const own = budgetsOn(macaroon, conditions, issued, undefined, issuedEnd);
  if (macaroon.discharges.length === 0) return own;
  const issuedIn = issuedInDischarges(macaroon, dischargeConditions, issued);
  const ofDischarges = macaroon.discharges.flatMap((discharge, place) =>
    discharge.state === "good"
      ? budgetsOn(discharge, dischargeConditions[place] ?? [], issuedIn[place] ?? 0, place, issuedEnd)
      : NONE,
  );
  return ofDischarges.length === 0 ? own : [...own, ...ofDischarges];
}

function budgetsOn(
  { revocationIds }: VerifiedChain,
  conditions: readonly Condition[],
  issued: number,
  discharge: number | undefined,
  issuedEnd: number,
): readonly Budget[] {
  let budgets: Budget[] | undefined;
  let agent: string | null = null;
  let endsAt = issuedEnd;
  for (let index = 0; index < conditions.length; index++) {
    const condition = conditions[index] as Condition;
    if (condition.state !== "known") continue;
    const { caveat } = condition;
    if (caveat.kind === "agent") agent = agentText(caveat);
    // Nothing that is appended below a budget can shorten its counter's life.
    if (caveat.kind === "time") endsAt = earliestExpiry([condition], endsAt);
    if (!isBudget(caveat)) continue;
    const link = revocationIds[index + 1];
    if (link === undefined) throw new Error("a caveat without a link");
    budgets ??= [];
    budgets.push({
      caveat,
      text: shownCaveat(condition.text),
      index,
      agent,
      placed: placeOf(index, issued, agent),
      discharge,
      link,
      endsAt,
    });
  }
  return budgets ?? NONE;
}

/**
 * The charge of one call. A discharge that is there twice is one macaroon still, and the call is one call: each link is
 * charged once.
 *
 * @param cost by unit; that of each `spend` has been found there
 */
export function callOn(
  budgets: readonly Budget[],
  cost: ReadonlyMap<string, Decimal>,
  dry: boolean,
): BudgetCall {
  const draws = new Map<string, BudgetDraw>();
  for (const { caveat, link, endsAt } of budgets) {
    draws.set(link.text, {
      link: link.bytes,
      most: caveat.kind === "spend" ? formatDecimal(caveat.most) : String(caveat.most),
      takes: takenOf(caveat, cost),
      window: windowOf(caveat),
      endsAt,
    });
  }
  return { draws: [...draws.values()], dry };
}

/** The reservation of one call: all that `spend` budgets are charged. */
export function reservationOn(
  budgets: readonly Budget[],
  cost: ReadonlyMap<string, Decimal>,
  reservation: Pick<NewReservation, "id" | "life">,
): NewReservation {
  const spends = new Map<string, NewReservation["spends"][number]>();
  for (const { caveat, link } of budgets) {
    if (caveat.kind !== "spend") continue;
    spends.set(link.text, { link: link.bytes, unit: caveat.unit, amount: takenOf(caveat, cost) });
  }
  return { ...reservation, spends: [...spends.values()], cost: plainCost(cost) };
}

/** The window of a `rate`, milliseconds; undefined for a budget that never gains. */
export function windowOf(caveat: BudgetCaveat): number | undefined {
  return caveat.kind === "rate" ? WINDOWS[caveat.window] : undefined;
}

/** What one call takes of a budget, a decimal in plain notation. */
function takenOf(caveat: BudgetCaveat, cost: ReadonlyMap<string, Decimal>): string {
  if (caveat.kind !== "spend") return "1";
  const amount = cost.get(caveat.unit);
  if (amount === undefined) throw new Error("a spend was cleared without a cost");
  return formatDecimal(amount);
}

/** Every budget and its rest, as answers show them. */
export function budgetViews(budgets: readonly Budget[], outcome: BudgetOutcome): readonly BudgetView[] {
  const left = leftBy(budgets, outcome);
  return budgets.map(({ caveat, text, agent, discharge, link }) => ({
    caveat: text,
    revocationId: link.text,
    agent,
    limit: limitText(caveat),
    remaining: left(link).remaining,
    discharge,
  }));
}

/** The rest of the root macaroon's budgets, by the place of their caveats. @param views one for each budget */
export function leftInRoot(
  budgets: readonly Budget[],
  views: readonly BudgetView[],
): ReadonlyMap<number, string> {
  const left = new Map<number, string>();
  for (const [place, { remaining, discharge }] of views.entries()) {
    const index = budgets[place]?.index;
    if (discharge === undefined && index !== undefined) left.set(index, remaining);
  }
  return left;
}

/** Every budget that would not do. @param cost by unit */
export function budgetFailures(
  budgets: readonly Budget[],
  outcome: BudgetOutcome,
  cost: ReadonlyMap<string, Decimal>,
): readonly CaveatFailure[] {
  const left = leftBy(budgets, outcome);
  return budgets.flatMap(
    ({ caveat, text, index, agent, placed, discharge, link }): readonly CaveatFailure[] => {
      const { short, remaining, retryAfter } = left(link);
      if (!short) return [];
      const detail = explainBudget(caveat, takenOf(caveat, cost), remaining, retryAfter);
      return [
        {
          index,
          caveat: text,
          agent,
          placed,
          code: "budget_exhausted",
          detail: discharge === undefined ? detail : `in discharge ${discharge}: ${detail}`,
          remaining,
          ...(retryAfter !== undefined && { retryAfter }),
        },
      ];
    },
  );
}

/** The limit as answers show it: a decimal, or of a rate `N/WINDOW`. */
export function limitText(caveat: BudgetCaveat): string {
  switch (caveat.kind) {
    case "uses":
      return String(caveat.most);
    case "spend":
      return formatDecimal(caveat.most);
    case "rate":
      return rateText(caveat);
    default:
      return caveat satisfies never;
  }
}

/** Finds the rest by link: the draws are in the order in which links first appear. */
function leftBy(budgets: readonly Budget[], { left }: BudgetOutcome) {
  const links = [...new Set(budgets.map(({ link }) => link.text))];
  const byLink = new Map(links.map((link, place) => [link, left[place]]));
  return (link: RevocationId) => {
    const found = byLink.get(link.text);
    if (found === undefined) throw new Error("a budget was not charged");
    return found;
  };
}

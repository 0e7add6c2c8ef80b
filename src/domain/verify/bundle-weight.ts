import type { Caveat } from "../../caveats/caveat.ts";
import type { Condition } from "../../caveats/condition.ts";
import type { VerifiedBundle } from "./verified-bundle.ts";

// Bytes, measured and rounded up.
const WEIGHT = 3_000;
const WEIGHT_OF_LINK = 750;
const WEIGHT_OF_ITEM = 64;
const WEIGHT_OF_BLOCK = 160;
const WEIGHT_OF_BUDGET = 700;
const WEIGHT_OF_HOLDER = 400;
const WEIGHT_OF_PLACE = 100;
/** What a conditional caveat has beside those of a plain one: a second test, with the facts that are kept of it. */
const WEIGHT_OF_LIMITED = 900;

/**
 * The memory that a bundle takes without its text, roughly; bytes.
 *
 * The estimate follows the values that its caveats have been read into, and not the length of the caveats alone: a
 * list of the shortest blocks takes twenty times its bytes in the token, and its holder chooses it.
 */
export function bundleWeight(bundle: VerifiedBundle): number {
  const { revocationIds, macaroon, budgets, holders } = bundle;
  let weight = WEIGHT * (1 + macaroon.discharges.length) + WEIGHT_OF_LINK * revocationIds.length;
  weight += WEIGHT_OF_BUDGET * budgets.length;
  if (holders.length > 0) {
    weight += WEIGHT_OF_HOLDER * holders.length + WEIGHT_OF_PLACE * revocationIds.length;
  }
  weight += conditionsWeight(bundle.conditions);
  for (const conditions of bundle.dischargeConditions) weight += conditionsWeight(conditions);
  return weight;
}

/** The part of it that depends on the values of caveats. */
export function conditionsWeight(conditions: readonly Condition[]): number {
  let weight = 0;
  for (const condition of conditions) weight += conditionWeight(condition);
  return weight;
}

function conditionWeight(condition: Condition): number {
  if (condition.state === "third_party") return 2 * condition.location.length;
  const text = 2 * condition.text.length;
  if (condition.state === "unknown") return text;
  return text + valuesWeight(condition.caveat);
}

function valuesWeight(caveat: Caveat): number {
  switch (caveat.kind) {
    case "membership":
      return WEIGHT_OF_ITEM * caveat.items.length;
    case "audience":
      return WEIGHT_OF_ITEM * caveat.resources.length;
    case "network":
      return WEIGHT_OF_BLOCK * caveat.blocks.length;
    case "conditional":
      return WEIGHT_OF_LIMITED + valuesWeight(caveat.unless) + valuesWeight(caveat.test);
    default:
      return 0;
  }
}

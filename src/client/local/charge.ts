import { costFault } from "../../caveats/cost.ts";
import { CHARGE_ID, RESERVE_SECONDS } from "../../words/limits.ts";
import type { VerifyRequest } from "../requests.ts";
import { readObject } from "./context.ts";

/**
 * Whether the service would read what a question says of its charge. If it would refuse it, or might, it is asked, even
 * about a token that it would charge nothing: a fault is not to show only once a token has a budget.
 */
export function isReadableCharge({ cost, charge_id, reserve }: VerifyRequest): boolean {
  return (
    (cost === undefined || isReadableCost(cost)) &&
    (charge_id === undefined || isReadableId(charge_id)) &&
    (reserve === undefined || (Number.isInteger(reserve) && reserve >= 1 && reserve <= RESERVE_SECONDS))
  );
}

function isReadableCost(cost: unknown): boolean {
  if (typeof cost !== "object" || cost === null || Array.isArray(cost)) return false;
  const read = readObject(cost);
  return read !== undefined && costFault(read) === undefined;
}

function isReadableId(id: unknown): boolean {
  if (typeof id !== "string" || id === "" || id.length > CHARGE_ID) return false;
  return id.isWellFormed() && !id.includes("\0");
}

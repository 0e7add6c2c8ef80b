import { JsonNumber, type JsonObject, type JsonValue } from "../json/value.ts";
import { UNIT } from "../words/ids.ts";
import { COST_UNITS } from "../words/limits.ts";
import { type DecimalReading, readDecimal } from "./values/decimal.ts";

/** A fault of a cost: the rule that it breaks, and the unit at fault if it is a single one's. */
export interface CostFault {
  readonly rule: string;
  readonly unit: string | undefined;
}

/** The first fault of a cost, as it stands in a request; undefined for a cost that can be charged. */
export function costFault(members: JsonObject): CostFault | undefined {
  if (members.size > COST_UNITS) return { rule: `must have at most ${COST_UNITS} units`, unit: undefined };
  for (const [unit, amount] of members) {
    const rule = unitRule(unit, amount);
    if (rule !== undefined) return { rule, unit };
  }
  return undefined;
}

/** Reads the amount of one unit: a number of at least 0, or a text of the same form. */
export function readAmount(amount: JsonValue): DecimalReading {
  const text = amount instanceof JsonNumber ? amount.text : amount;
  return typeof text === "string" && !text.startsWith("-") ? readDecimal(text) : undefined;
}

function unitRule(unit: string, amount: JsonValue): string | undefined {
  if (!UNIT.test(unit)) return "must be named by a letter or _, then up to 63 letters, digits, _ or -";
  const decimal = readAmount(amount);
  if (decimal === "too_long") return "must have at most 40 digits";
  return decimal === undefined ? "must be a number of at least 0, or a text that holds one" : undefined;
}

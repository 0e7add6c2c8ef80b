import { z } from "zod";
import { costFault, readAmount } from "../../caveats/cost.ts";
import type { Decimal } from "../../caveats/values/decimal.ts";
import type { JsonObject, JsonValue } from "../../json/value.ts";
import { COST_UNITS } from "../../words/limits.ts";
import { plainBody } from "../request/json-body.ts";

/** The cost of a call, by unit. It stays as it was parsed, because its numbers must keep their digits. */
export const costSchema = z
  .custom<JsonObject>((value) => value instanceof Map, "must be an object")
  .superRefine((members, issues) => {
    const fault = costFault(members);
    if (fault === undefined) return;
    const path = fault.unit === undefined ? [] : [fault.unit];
    issues.addIssue({ code: "custom", path, message: fault.rule });
  })
  .meta({
    type: "object",
    maxProperties: COST_UNITS,
    additionalProperties: {
      anyOf: [
        { type: "number", minimum: 0 },
        { type: "string", pattern: "^(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
      ],
    },
    description:
      "What the call costs, by unit, for `spend` budgets: numbers, or texts of the same form, of at least 0 and at most 40 digits, read digit by digit. A token with a `spend` in a unit that is missing here is refused (`caveat_failed`).",
  });

/** No cost at all. */
export const NO_COST: ReadonlyMap<string, Decimal> = new Map();

/** @param members as the schema let them pass */
export function readCost(members: JsonObject | undefined): ReadonlyMap<string, Decimal> {
  if (members === undefined) return NO_COST;
  const costs = new Map<string, Decimal>();
  for (const [unit, amount] of members) {
    const decimal = readAmount(amount);
    if (typeof decimal === "object") costs.set(unit, decimal);
  }
  return costs;
}

/** A body as a schema takes it, with some members as they were parsed. */
export function keptAsParsed(tree: JsonValue, kept: readonly string[]): unknown {
  if (!(tree instanceof Map)) return plainBody(tree);
  const rest = plainBody(new Map([...tree].filter(([name]) => !kept.includes(name)))) as object;
  for (const name of kept) {
    if (tree.has(name)) Object.defineProperty(rest, name, { value: tree.get(name), enumerable: true });
  }
  return rest;
}

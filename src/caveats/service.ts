import { AGENT, APPROVAL_ID, DISCHARGE_ID, REVOCATION_ID, splitAgent } from "../words/ids.ts";
import type { Operator, ServiceCaveat } from "./caveat.ts";
import { parseInstant } from "./values/instant.ts";

// Far more than the caveats a macaroon may have, and small enough to be exact.
const COUNT = /^(?:0|[1-9][0-9]{0,8})$/;

/**
 * Reads a caveat on an attribute of the service. Undefined for a form that the service does not know: another
 * operator, a longer path, or an attribute that is not built yet.
 */
export function parseServiceCaveat(
  attribute: string,
  operator: Operator,
  value: string,
): ServiceCaveat | undefined {
  switch (attribute) {
    case "time": {
      if (operator !== "<" && operator !== ">") return undefined;
      const at = parseInstant(value);
      return at && { kind: "time", operator, at };
    }
    case "agent":
      return operator === "=" ? parseAgent(value) : undefined;
    case "depth":
      return operator === "<=" && COUNT.test(value) ? { kind: "depth", most: Number(value) } : undefined;
    case "ancestor":
      return operator === "=" && REVOCATION_ID.test(value)
        ? { kind: "ancestor", revocationId: value }
        : undefined;
    case "approval":
      return operator === "=" && APPROVAL_ID.test(value) ? { kind: "approval", id: value } : undefined;
    case "bh.discharge":
      return operator === "=" && DISCHARGE_ID.test(value) ? { kind: "discharge_id", id: value } : undefined;
    default:
      return undefined;
  }
}

function parseAgent(value: string): ServiceCaveat | undefined {
  return AGENT.test(value) ? { kind: "agent", ...splitAgent(value) } : undefined;
}

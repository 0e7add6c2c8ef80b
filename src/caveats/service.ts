import {
  AGENT,
  APPROVAL_ID,
  CLIENT_ID,
  DISCHARGE_ID,
  REVOCATION_ID,
  splitAgent,
  THUMBPRINT,
  UNIT,
} from "../words/ids.ts";
import type { Operator, RateWindow, ServiceCaveat } from "./caveat.ts";
import { readDecimal } from "./values/decimal.ts";
import { parseInstant } from "./values/instant.ts";
import { parseList } from "./values/list.ts";

// Far more than the caveats a macaroon may have, and small enough to be exact.
const COUNT = /^(?:0|[1-9][0-9]{0,8})$/;

// Small enough to be exact as well.
const CALLS = /^(?:0|[1-9][0-9]{0,14})$/;
const RATE = /^([0-9]+)\/([smhd])$/;
const SPEND = "spend.";

/**
 * Reads a caveat on an attribute of the service. Undefined for a form that the service does not know: another
 * operator, or a longer path.
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
    case "holder":
      return operator === "=" && THUMBPRINT.test(value) ? { kind: "holder", thumbprint: value } : undefined;
    case "aud":
      return parseAudience(operator, value);
    case "client":
      return operator === "=" && CLIENT_ID.test(value) ? { kind: "client", id: value } : undefined;
    case "ancestor":
      return operator === "=" && REVOCATION_ID.test(value)
        ? { kind: "ancestor", revocationId: value }
        : undefined;
    case "approval":
      return operator === "=" && APPROVAL_ID.test(value) ? { kind: "approval", id: value } : undefined;
    case "bh.discharge":
      return operator === "=" && DISCHARGE_ID.test(value) ? { kind: "discharge_id", id: value } : undefined;
    case "uses":
      return operator === "<=" && CALLS.test(value) ? { kind: "uses", most: Number(value) } : undefined;
    case "rate":
      return operator === "<=" ? parseRate(value) : undefined;
    default:
      return operator === "<=" && attribute.startsWith(SPEND)
        ? parseSpend(attribute.slice(SPEND.length), value)
        : undefined;
  }
}

function parseAudience(operator: Operator, value: string): ServiceCaveat | undefined {
  if (operator === "=") return { kind: "audience", operator, resources: [value] };
  const resources = operator === "in" ? parseList(value) : undefined;
  return resources && { kind: "audience", operator: "in", resources };
}

function parseRate(value: string): ServiceCaveat | undefined {
  const [, most = "", window] = RATE.exec(value) ?? [];
  return CALLS.test(most) ? { kind: "rate", most: Number(most), window: window as RateWindow } : undefined;
}

function parseSpend(unit: string, value: string): ServiceCaveat | undefined {
  const most = UNIT.test(unit) ? readDecimal(value) : undefined;
  return most === undefined || most === "too_long" || most.negative
    ? undefined
    : { kind: "spend", unit, most };
}

function parseAgent(value: string): ServiceCaveat | undefined {
  return AGENT.test(value) ? { kind: "agent", ...splitAgent(value) } : undefined;
}

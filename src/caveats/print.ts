import {
  agentText,
  type Caveat,
  type ComparisonCaveat,
  type ConditionalCaveat,
  limitedValues,
  type RateCaveat,
} from "./caveat.ts";
import { formatBlock } from "./values/address.ts";
import { formatDecimal } from "./values/decimal.ts";
import { formatInstant } from "./values/instant.ts";
import { printList, printWord } from "./values/list.ts";

/** The canonical text of a caveat: parsing it gives the same caveat again. */
export function printCaveat(caveat: Caveat): string {
  switch (caveat.kind) {
    case "equality":
      return `${caveat.attribute} ${caveat.operator} ${caveat.value}`;
    case "membership":
      return `${caveat.attribute} ${caveat.operator} ${printList(caveat.items)}`;
    case "comparison":
      return `${caveat.attribute} ${caveat.operator} ${printBound(caveat.bound)}`;
    case "glob":
      return `${caveat.attribute} matches ${caveat.pattern}`;
    case "network":
      return `${caveat.attribute} within ${printList(caveat.blocks.map(formatBlock))}`;
    case "conditional":
      return `when ${printGuard(caveat)} then ${printCaveat(caveat.test)}`;
    case "time":
      return `time ${caveat.operator} ${formatInstant(caveat.at)}`;
    case "agent":
      return `agent = ${agentText(caveat)}`;
    case "depth":
      return `depth <= ${caveat.most}`;
    case "uses":
      return `uses <= ${caveat.most}`;
    case "spend":
      return `spend.${caveat.unit} <= ${formatDecimal(caveat.most)}`;
    case "rate":
      return `rate <= ${rateText(caveat)}`;
    case "holder":
      return `holder = ${caveat.thumbprint}`;
    case "audience":
      return caveat.operator === "="
        ? `aud = ${caveat.resources[0]}`
        : `aud in ${printList(caveat.resources)}`;
    case "client":
      return `client = ${caveat.id}`;
    case "ancestor":
      return `ancestor = ${caveat.revocationId}`;
    case "approval":
      return `approval = ${caveat.id}`;
    case "discharge_id":
      return `bh.discharge = ${caveat.id}`;
    default:
      return caveat satisfies never;
  }
}

/** What a `rate` allows, as `N/WINDOW`. */
export function rateText({ most, window }: RateCaveat): string {
  return `${most}/${window}`;
}

/** The canonical text of a comparison's value. */
export function printBound(bound: ComparisonCaveat["bound"]): string {
  return bound.kind === "decimal" ? formatDecimal(bound) : formatInstant(bound);
}

/** The part of a conditional caveat behind `when`: `tool = pay`. */
export function printGuard(caveat: ConditionalCaveat): string {
  const operator = caveat.unless.kind === "equality" ? "=" : "in";
  const values = limitedValues(caveat).map((value) => printWord(value, operator === "in"));
  return `${caveat.unless.attribute} ${operator} ${values.join(", ")}`;
}

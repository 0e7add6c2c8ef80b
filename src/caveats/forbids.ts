import { JsonNumber, type JsonObject, type JsonValue } from "../json/value.ts";
import type { AttributeCaveat, ComparisonCaveat, GlobCaveat, NetworkCaveat } from "./caveat.ts";
import { isList, lookUp, pathOf } from "./look-up.ts";
import { denialCost, deniedBy, type Prepared } from "./prepared.ts";
import type { Mismatch, Refusal } from "./refusal.ts";
import { contains, parseAddress } from "./values/address.ts";
import { canonicalText, readingsCost, readingsOf } from "./values/canonical.ts";
import { canNormalise, isAscii } from "./values/characters.ts";
import { compareDecimals, readDecimal } from "./values/decimal.ts";
import { badSegment, matchesGlob } from "./values/glob.ts";
import { compareInstants, parseInstant } from "./values/instant.ts";
import { spend, type Work } from "./values/work.ts";

// Parsing a number, an instant or an address takes about as long as looking at this many characters, more for what is
// longer than most or takes a form of its own; comparing blocks takes as long as looking at so many each.
const PARSE_COST = 25;
const LONG_PARSE_COST = 4;
const MOST_LENGTH = 8;
const EXPONENT_COST = 60;
const IPV6_COST = 60;
const BLOCK_COST = 4;

/** The cost of parsing a text, its length aside. */
function parseCost(text: string): number {
  return PARSE_COST + LONG_PARSE_COST * Math.max(0, text.length - MOST_LENGTH);
}

/** The cost of finding the canonical text or the value of a number. */
function numberCost({ text }: JsonNumber): number {
  const hasExponent = text.includes("e") || text.includes("E");
  return parseCost(text) + (hasExponent ? EXPONENT_COST : 0);
}

const MISSING: Refusal = { seen: "missing" };
const EMPTY_LIST: Refusal = { seen: "empty_list" };

/**
 * Why a caveat forbids a request with this context, or undefined if it does not.
 *
 * A missing attribute forbids, with every operator. Of a list every element must satisfy the caveat, and an
 * empty list does not. Never throws.
 *
 * @param prepared if it was kept with the caveat
 */
export function forbids(
  caveat: AttributeCaveat,
  context: JsonObject,
  work: Work,
  prepared?: Prepared,
): Refusal | undefined {
  const value = lookUp(context, prepared === undefined ? pathOf(caveat.attribute) : prepared.path);
  if (value === undefined) return MISSING;
  if (prepared === undefined && !spend(work, denialCost(caveat))) {
    return { seen: "value", value, inList: false, mismatch: "work" };
  }
  const denied = prepared === undefined ? deniedBy(caveat) : prepared.denied;
  if (!isList(value)) return refuse(value, false, mismatch(caveat, denied, value, work));
  if (value.length === 0) return EMPTY_LIST;
  for (const element of value) {
    const refusal = refuse(element, true, mismatch(caveat, denied, element, work));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

function refuse(value: JsonValue, inList: boolean, why: Mismatch | undefined): Refusal | undefined {
  return why === undefined ? undefined : { seen: "value", value, inList, mismatch: why };
}

/**
 * Why one value, which is no list, does not satisfy a caveat, or undefined if it does.
 *
 * @param denied the result of {@link deniedBy} for the caveat
 */
export function mismatch(
  caveat: AttributeCaveat,
  denied: ReadonlySet<string> | undefined,
  value: JsonValue,
  work: Work,
): Mismatch | undefined {
  const length =
    typeof value === "string" ? value.length : value instanceof JsonNumber ? value.text.length : 0;
  if (!spend(work, length + 1 + (value instanceof JsonNumber ? numberCost(value) : 0))) return "work";
  switch (caveat.kind) {
    case "equality":
      return denied ? isDenied(denied, value, work) : equals(caveat.value, value);
    case "membership":
      // Each item may be as long as the value, and begin like it.
      if (!spend(work, caveat.items.length * (1 + (length >> 5)))) return "work";
      return denied ? isDenied(denied, value, work) : isOneOf(caveat.items, value);
    case "comparison":
      if (typeof value === "string" && !spend(work, parseCost(value))) return "work";
      return compares(caveat, value);
    case "glob":
      return globs(caveat, value, work);
    case "network":
      return isWithin(caveat, value, work);
    default:
      return caveat satisfies never;
  }
}

function equals(wanted: string, value: JsonValue): Mismatch | undefined {
  const text = canonicalText(value);
  if (text === undefined) return noText(value);
  return text === wanted ? undefined : "value";
}

function isOneOf(items: readonly string[], value: JsonValue): Mismatch | undefined {
  const text = canonicalText(value);
  if (text === undefined) return noText(value);
  return items.includes(text) ? undefined : "value";
}

function isDenied(denied: ReadonlySet<string>, value: JsonValue, work: Work): Mismatch | undefined {
  const text = canonicalText(value);
  if (text === undefined) return noText(value);
  if (!spend(work, readingsCost(text))) return "work";
  if (!isAscii(text) && !canNormalise(text)) return "marks";
  return readingsOf(text).some((reading) => denied.has(reading)) ? "value" : undefined;
}

function noText(value: JsonValue): Mismatch {
  return value instanceof JsonNumber ? "too_long" : "kind";
}

function compares(caveat: ComparisonCaveat, value: JsonValue): Mismatch | undefined {
  const { bound } = caveat;
  if (bound.kind === "instant") {
    const instant = typeof value === "string" ? parseInstant(value) : undefined;
    if (instant === undefined) return "not_instant";
    return holds(caveat.operator, compareInstants(instant, bound));
  }
  const text = value instanceof JsonNumber ? value.text : value;
  const decimal = typeof text === "string" ? readDecimal(text) : undefined;
  if (decimal === undefined) return "not_decimal";
  if (decimal === "too_long") return "too_long";
  return holds(caveat.operator, compareDecimals(decimal, bound));
}

function holds(operator: ComparisonCaveat["operator"], order: number): Mismatch | undefined {
  switch (operator) {
    case "<":
      return order < 0 ? undefined : "value";
    case "<=":
      return order <= 0 ? undefined : "value";
    case ">":
      return order > 0 ? undefined : "value";
    case ">=":
      return order >= 0 ? undefined : "value";
    default:
      return operator satisfies never;
  }
}

function globs(caveat: GlobCaveat, value: JsonValue, work: Work): Mismatch | undefined {
  if (typeof value !== "string") return "kind";
  if (!spend(work, PARSE_COST)) return "work";
  const bad = badSegment(value);
  if (bad !== undefined) return bad;
  if (matchesGlob(caveat.pattern, value, work)) return undefined;
  return work.left < 0 ? "work" : "value";
}

function isWithin(caveat: NetworkCaveat, value: JsonValue, work: Work): Mismatch | undefined {
  if (typeof value !== "string") return "not_address";
  const cost = parseCost(value) + (value.includes(":") ? IPV6_COST : 0);
  if (!spend(work, cost + BLOCK_COST * caveat.blocks.length)) return "work";
  const address = parseAddress(value);
  if (address === undefined) return "not_address";
  return caveat.blocks.some((block) => contains(block, address)) ? undefined : "value";
}

import { JsonNumber, type JsonObject, type JsonValue } from "../json/value.ts";
import { TOKEN_BUDGETS } from "../words/limits.ts";
import {
  type AttributeCaveat,
  type AudienceCaveat,
  type BudgetCaveat,
  type ConditionalCaveat,
  limitedValues,
  type SpendCaveat,
  type TimeCaveat,
} from "./caveat.ts";
import { isList, isObject, lookUp, pathOf } from "./look-up.ts";
import { allowed, attributeName, budgetPhrase, either } from "./phrases.ts";
import type { Mismatch, Refusal } from "./refusal.ts";
import { isServiceName } from "./reserved.ts";
import { canonicalText } from "./values/canonical.ts";
import { MAX_DECIMAL_DIGITS } from "./values/decimal.ts";
import { formatInstant, type Instant } from "./values/instant.ts";
import { bareOrQuoted, printable, quote, SHOWN_CHARACTERS } from "./values/quote.ts";

/** The value that was seen and one that would have passed, of a caveat that forbids a request with this context. */
export function explainRefusal(caveat: AttributeCaveat, refusal: Refusal, context: JsonObject): string {
  return `${seen(caveat, refusal, context)}, the token allows ${allowed(caveat)}`;
}

/**
 * The same of a conditional caveat, for a call that it limits: `on pay: args.amount is 250, at most 40`.
 *
 * @param why the call does not satisfy `unless`, and not the test either
 */
export function explainConditional(
  caveat: ConditionalCaveat,
  { limited, refusal }: { readonly limited: Refusal; readonly refusal: Refusal },
  context: JsonObject,
): string {
  const { unless, test } = caveat;
  const values = limitedValues(caveat);
  const value = limited.seen === "value" ? canonicalText(limited.value) : undefined;
  const isSame = value !== undefined && values.includes(value);
  const verb = unless.attribute === "tool" || unless.attribute === "action";
  const call = !isSame
    ? `${seen(unless, limited, context)}, as if it were ${either(values)}`
    : `${verb ? "on" : `with ${attributeName(unless.attribute)}`} ${bareOrQuoted(value)}`;
  return `${call}: ${seen(test, refusal, context)}, ${allowed(test)}`;
}

/** Why the clock refuses a token. */
export function explainTime(caveat: TimeCaveat, now: Instant): string {
  const at = shownInstant(caveat.at);
  const about =
    caveat.operator === "<" ? `the token expired at ${at}` : `the token is valid only after ${at}`;
  return `${about}; it is now ${shownInstant(now)}`;
}

/** Why a token that was handed on too often is refused. */
export function explainDepth(handovers: number, most: number): string {
  return `the token was handed on ${times(handovers)} after this caveat, the token allows ${atMost(most)}`;
}

/** Why a budget forbids a call that nobody would count. */
export function explainUncounted(name: BudgetCaveat["kind"]): string {
  return `${name} is a budget, and calls of this kind are not counted: only verify counts`;
}

/** Why a budget is refused that has too many others beside it. */
export function explainCrowd(name: BudgetCaveat["kind"]): string {
  return `${name} is a budget too many, a token and its discharges have at most ${TOKEN_BUDGETS}`;
}

/** Why a `holder` forbids a call whose proofs nobody would check. */
export function explainUnproved(): string {
  return "holder asks for a proof of a key, and calls of this kind have none: only verify checks proofs";
}

/** Why a call is refused that does not say its cost. */
export function explainCost(caveat: SpendCaveat): string {
  return `cost.${caveat.unit} is missing, the token allows ${budgetPhrase(caveat)}`;
}

/**
 * Why a budget would not do for one call.
 *
 * @param takes what the call costs of a `spend`
 * @param retryAfter seconds until a rate has room again; undefined if it never has, and for other budgets
 */
export function explainBudget(
  caveat: BudgetCaveat,
  takes: string,
  remaining: string,
  retryAfter: number | undefined,
): string {
  const allows = `the token allows ${budgetPhrase(caveat)}`;
  if (caveat.kind === "spend") return `cost.${caveat.unit} is ${takes}, ${allows}, and ${remaining} is left`;
  if (retryAfter === undefined) return `${allows}, and nothing is left`;
  return `${allows}, and has room again in ${retryAfter} ${retryAfter === 1 ? "second" : "seconds"}`;
}

/** Why a text is no caveat that the service knows, as far as the text itself tells. */
export function explainUnknown(text: string): string {
  const [name = ""] = text.split(/[^A-Za-z0-9_-]/, 1);
  if (!isServiceName(name)) return "the caveat is not one that this service knows";
  return `${name} belongs to the service, which does not know this caveat on it`;
}

/** Why a caveat that only a discharge may carry is refused in a root macaroon. */
export function explainMisplaced(name: "ancestor" | "approval" | "bh.discharge"): string {
  return `${name} is known only in a discharge`;
}

/** Why a `client` is refused that the service did not issue. */
export function explainUnissued(): string {
  return "client is known only among the caveats that a token was issued with";
}

/** Why a resource is refused. @param resource the one that asks; undefined if none does */
export function explainAudience({ resources }: AudienceCaveat, resource: string | undefined): string {
  const asking = resource === undefined ? "no resource asks" : `the resource ${bareOrQuoted(resource)} asks`;
  return `${asking}, the token is only for ${either(resources)}`;
}

/** Why a discharge does not serve the root macaroon that it came with. */
export function explainAncestor(revocationId: string): string {
  return `the discharge serves only tokens at or below the link ${revocationId}, and this is none`;
}

function seen(caveat: AttributeCaveat, refusal: Refusal, context: JsonObject): string {
  const name = attributeName(caveat.attribute);
  if (refusal.seen === "missing") return `${name} is missing${becauseOfList(caveat.attribute, context)}`;
  if (refusal.seen === "empty_list") return `${name} is an empty list`;
  const { mismatch } = refusal;
  if (mismatch === "work") return `${name} is too much to check within the limits of one request`;
  return `${name} ${refusal.inList ? "holds" : "is"} ${shownValue(refusal.value)}${note(mismatch)}`;
}

/** Says which list the path would have to go through: the usual reason why a value seems to be there. */
function becauseOfList(attribute: string, context: JsonObject): string {
  for (let dot = attribute.indexOf("."); dot >= 0; dot = attribute.indexOf(".", dot + 1)) {
    const parent = attribute.slice(0, dot);
    const value = lookUp(context, pathOf(parent));
    if (isList(value)) return ` (${attributeName(parent)} is a list)`;
    if (!isObject(value)) return "";
  }
  return "";
}

function shownValue(value: JsonValue): string {
  if (typeof value === "string") return quote(value);
  if (value instanceof JsonNumber) return printable(value.text, SHOWN_CHARACTERS);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  return isList(value) ? "a list" : "an object";
}

function note(mismatch: Mismatch): string {
  switch (mismatch) {
    case "not_decimal":
      return " (not a decimal)";
    case "not_instant":
      return " (not an RFC 3339 time)";
    case "not_address":
      return " (not an address)";
    case "too_long":
      return ` (more than ${MAX_DECIMAL_DIGITS} digits)`;
    case "marks":
      return " (too many combining marks in a row)";
    case "empty_segment":
      return " (has an empty segment)";
    case "dot_segment":
      return ' (has a "." or ".." segment)';
    case "kind":
    case "value":
    case "work":
      return "";
    default:
      return mismatch satisfies never;
  }
}

function shownInstant(instant: Instant): string {
  return printable(formatInstant(instant), SHOWN_CHARACTERS);
}

function times(count: number): string {
  return count === 1 ? "once" : count === 2 ? "twice" : `${count} times`;
}

function atMost(count: number): string {
  return count === 0 ? "none" : `at most ${count}`;
}

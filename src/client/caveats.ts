import {
  type Caveat,
  isForDischarges,
  isOnAttribute,
  limitedValues,
  type RateWindow,
} from "../caveats/caveat.ts";
import { compileCaveat } from "../caveats/condition.ts";
import { attributeFault, caveatFault, nameFault } from "../caveats/fault.ts";
import { parseCaveat } from "../caveats/parse.ts";
import { printCaveat } from "../caveats/print.ts";
import { formatDecimal, readDecimal } from "../caveats/values/decimal.ts";
import { printList, printWord } from "../caveats/values/list.ts";
import { quote } from "../caveats/values/quote.ts";
import { TokenError } from "./error.ts";
import { aText, type Check, checkShape, isText } from "./shape.ts";

/** A value that a caveat can compare with. */
export type CaveatValue = string | number | boolean;

/** An instant: a Date, or RFC 3339 text. */
export type Moment = Date | string;

const isValue = (value: unknown) => isText(value) || typeof value === "number" || typeof value === "boolean";

const A_VALUE: Check = (value) =>
  isValue(value) ? undefined : "a text, a number, true or false; several go one by one: ...list";

const A_MOMENT: Check = (value) =>
  isText(value) || value instanceof Date ? undefined : "a number, a Date, or RFC 3339 text";

/**
 * The caveat, if it is one that a verifier can clear in a token.
 *
 * A caveat that nobody can read forbids everything, so it is refused here, while its writer can still mend it.
 *
 * @throws TokenError `invalid_caveat`
 */
export function checkedCaveat(text: string): string {
  const caveat = parseCaveat(text);
  if (caveat === undefined) throw invalid(text);
  if (isForDischarges(caveat)) {
    const name = caveat.kind === "discharge_id" ? "bh.discharge" : caveat.kind;
    throw new TokenError(
      "invalid_caveat",
      `${quote(text)}: ${name} goes into discharges only: leave it out`,
      text,
    );
  }
  if (caveat.kind === "client") {
    const why = "client is written by the service alone: leave it out";
    throw new TokenError("invalid_caveat", `${quote(text)}: ${why}`, text);
  }
  return text;
}

/**
 * `attribute = value`
 *
 * @throws TokenError for a name or value that the language cannot say
 * @throws TypeError for a value of another kind, here and in all builders: a list would read as one text
 */
export function equals(attribute: string, value: CaveatValue): string {
  return equality(attribute, "=", value);
}

/** `attribute != value`; a missing attribute fails too. */
export function notEquals(attribute: string, value: CaveatValue): string {
  return equality(attribute, "!=", value);
}

/** `attribute in a, b, …`: one of these. */
export function oneOf(attribute: string, ...values: readonly CaveatValue[]): string {
  return membership(attribute, "in", values);
}

/** `attribute not in a, b, …`: none of these; a missing attribute fails too. */
export function noneOf(attribute: string, ...values: readonly CaveatValue[]): string {
  return membership(attribute, "not in", values);
}

/** `attribute < bound`, a number compared as an exact decimal, or an instant. */
export function lessThan(attribute: string, bound: number | Moment): string {
  return comparison(attribute, "<", bound);
}

/** `attribute <= bound` */
export function atMost(attribute: string, bound: number | Moment): string {
  return comparison(attribute, "<=", bound);
}

/** `attribute > bound` */
export function greaterThan(attribute: string, bound: number | Moment): string {
  return comparison(attribute, ">", bound);
}

/** `attribute >= bound` */
export function atLeast(attribute: string, bound: number | Moment): string {
  return comparison(attribute, ">=", bound);
}

/** `attribute matches pattern`: `*` within a `/`-segment, `**` across segments. */
export function matches(attribute: string, pattern: string): string {
  checkShape("matches: the pattern", pattern, aText('"repo:acme/**"'));
  return built(
    `${attribute} matches ${pattern}`,
    (c) => c.kind === "glob" && c.pattern === pattern,
    attribute,
  );
}

/** `attribute within block, …`: IPv4 and IPv6 in CIDR notation. */
export function within(attribute: string, ...blocks: readonly string[]): string {
  for (const block of blocks) checkShape("within: each block", block, A_VALUE);
  return built(
    `${attribute} within ${printList(blocks)}`,
    (c) => c.kind === "network" && c.blocks.length === blocks.length,
    attribute,
  );
}

/**
 * `when attribute = value then limit`: a limit of those calls alone, any other passes.
 *
 * A call that does not state the attribute has to keep to the limit, too.
 *
 * @param value one value, or a list of them for `when attribute in a, b then limit`
 * @param limit a caveat on an attribute of the call, from a builder or written by hand
 * @throws TokenError `invalid_caveat`, also where either part is on an attribute of the service
 * @example
 * when("tool", "pay", atMost("args.amount", 40)); // "when tool = pay then args.amount <= 40"
 */
export function when(attribute: string, value: CaveatValue | readonly CaveatValue[], limit: string): string {
  checkShape("when: the limit", limit, aText('atMost("args.amount", 40)'));
  const test = parseCaveat(limit);
  if (test === undefined) throw invalid(limit);
  const several = Array.isArray(value);
  const texts = [value].flat().map(valueText);
  const values = texts.map((text) => printWord(text, several)).join(", ");
  return built(
    `when ${attribute} ${several ? "in" : "="} ${values} then ${limit}`,
    (c) =>
      c.kind === "conditional" &&
      isSame(limitedValues(c), texts) &&
      printCaveat(c.test) === printCaveat(test),
    attribute,
  );
}

/** `time < instant`: the token ends then, by the service's clock. */
export function expiresAt(at: Moment): string {
  return built(`time < ${momentText(at)}`, (caveat) => caveat.kind === "time");
}

/** `time < now + seconds` */
export function expiresIn(seconds: number, now: number = Date.now()): string {
  const at = new Date(now + seconds * 1000);
  if (!(seconds > 0) || Number.isNaN(at.getTime())) {
    throw new TokenError("invalid_caveat", "a life must be a number of seconds above 0");
  }
  return expiresAt(at);
}

/** `time > instant`: the token is good only after that. */
export function startsAt(at: Moment): string {
  return built(`time > ${momentText(at)}`, (caveat) => caveat.kind === "time");
}

/** `agent = name#instance`: names the next holder. */
export function agent(name: string, instance?: string): string {
  checkShape("agent: the name", name, aText('"researcher"'));
  const text = `agent = ${instance === undefined ? name : `${name}#${instance}`}`;
  for (const part of [name, instance ?? "x"]) {
    if (!/^[A-Za-z0-9._:/@-]{1,128}$/.test(part)) throw new TokenError("invalid_caveat", nameFault(part));
  }
  return built(
    text,
    (caveat) => caveat.kind === "agent" && caveat.name === name && caveat.instance === instance,
  );
}

/** `depth <= most`: at most so many further `agent` caveats. */
export function depth(most: number): string {
  return built(`depth <= ${most}`, (caveat) => caveat.kind === "depth" && caveat.most === most);
}

/** `uses <= most`: at most so many allowed calls with this token and all that is narrowed from it, together. */
export function uses(most: number): string {
  return built(`uses <= ${most}`, (caveat) => caveat.kind === "uses" && caveat.most === most);
}

/**
 * `spend.UNIT <= most`: what allowed calls with this token and all that is narrowed from it cost together.
 *
 * @param most a number, or the text of a decimal of at most 40 digits
 */
export function spend(unit: string, most: number | string): string {
  checkShape("spend: the most", most, A_VALUE);
  const text = typeof most === "number" ? numberText(most) : most;
  return built(`spend.${unit} <= ${text}`, (caveat) => caveat.kind === "spend" && caveat.unit === unit);
}

/** `rate <= most/window`: at most so many allowed calls in any second, minute, hour or day. */
export function rate(most: number, window: RateWindow): string {
  return built(
    `rate <= ${most}/${window}`,
    (caveat) => caveat.kind === "rate" && caveat.most === most && caveat.window === window,
  );
}

/** `holder = thumbprint`: a key that must vouch for each call. A {@link HolderKey} has its own as `caveat`. */
export function holder(thumbprint: string): string {
  return built(
    `holder = ${thumbprint}`,
    (caveat) => caveat.kind === "holder" && caveat.thumbprint === thumbprint,
  );
}

/** Builders for the attributes that most platforms use. For any other: {@link equals}, {@link oneOf} and the rest. */
export const allow = {
  /** `action = read`, or `action in read, list`. */
  action: (...actions: readonly string[]): string => oneOrMore("action", actions),
  /** The same for `tool`. */
  tool: (...tools: readonly string[]): string => oneOrMore("tool", tools),
  /** `resource matches pattern`. */
  resource: (pattern: string): string => matches("resource", pattern),
  /** `ip within block, …`. */
  ip: (...blocks: readonly string[]): string => within("ip", ...blocks),
} as const;

function oneOrMore(attribute: string, values: readonly string[]): string {
  const [only, ...more] = values;
  return only !== undefined && more.length === 0 ? equals(attribute, only) : oneOf(attribute, ...values);
}

function equality(attribute: string, operator: "=" | "!=", value: CaveatValue): string {
  const text = valueText(value);
  // Only a list can say a value with white space at its edges, by quotes.
  if (text !== text.trim()) return membership(attribute, operator === "=" ? "in" : "not in", [text]);
  return built(
    `${attribute} ${operator} ${text}`,
    (c) => c.kind === "equality" && c.operator === operator && c.value === text,
    attribute,
  );
}

function membership(attribute: string, operator: "in" | "not in", values: readonly CaveatValue[]): string {
  const texts = values.map(valueText);
  return built(
    `${attribute} ${operator} ${printList(texts)}`,
    (c) => c.kind === "membership" && c.operator === operator && isSame(c.items, texts),
    attribute,
  );
}

function isSame(read: readonly string[], meant: readonly string[]): boolean {
  return read.length === meant.length && read.every((item, index) => item === meant[index]);
}

function comparison(attribute: string, operator: "<" | "<=" | ">" | ">=", bound: number | Moment): string {
  const text = typeof bound === "number" ? numberText(bound) : momentText(bound);
  return built(
    `${attribute} ${operator} ${text}`,
    (c) => c.kind === "comparison" && c.operator === operator,
    attribute,
  );
}

/** The text, if it reads as it was meant: a value must not be able to turn a caveat into another one. */
function built(text: string, isMeant: (caveat: Caveat) => boolean, attribute?: string): string {
  const condition = compileCaveat(text);
  const caveat = condition.state === "known" ? condition.caveat : undefined;
  const sameName = attribute === undefined || (caveat !== undefined && nameOf(caveat) === attribute);
  if (caveat === undefined || !sameName || !isMeant(caveat)) {
    const fault = attribute === undefined ? undefined : attributeFault(attribute);
    if (fault !== undefined) throw new TokenError("invalid_caveat", fault);
    if (caveat === undefined) throw invalid(text);
    const why = "reads as another caveat than was meant: another value, or a builder of its own";
    throw new TokenError("invalid_caveat", `${quote(text)}: ${why}`, text);
  }
  return text;
}

/** The attribute that stands first in a caveat, the service's aside. */
function nameOf(caveat: Caveat): string | undefined {
  if (caveat.kind === "conditional") return caveat.unless.attribute;
  return isOnAttribute(caveat) ? caveat.attribute : undefined;
}

function invalid(text: string): TokenError {
  const fault = caveatFault(text) ?? "is no caveat";
  // One that is not repeated there is not kept either.
  return new TokenError("invalid_caveat", fault, fault.startsWith('"') ? text : undefined);
}

function valueText(value: CaveatValue): string {
  checkShape("a caveat's value", value, A_VALUE);
  return typeof value === "number" ? numberText(value) : String(value);
}

function numberText(value: number): string {
  const decimal = readDecimal(String(value));
  if (decimal === undefined || decimal === "too_long") {
    throw new TokenError("invalid_caveat", "a number must be finite and of at most 40 digits");
  }
  return formatDecimal(decimal);
}

function momentText(at: Moment): string {
  checkShape("the bound", at, A_MOMENT);
  if (typeof at === "string") return at;
  if (Number.isNaN(at.getTime())) throw new TokenError("invalid_caveat", "an instant must be a valid date");
  return at.toISOString();
}

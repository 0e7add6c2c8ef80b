import {
  type AttributeCaveat,
  type BudgetCaveat,
  type ComparisonCaveat,
  type ConditionalCaveat,
  limitedValues,
  type RateWindow,
} from "./caveat.ts";
import { printBound } from "./print.ts";
import { type Block, formatBlock } from "./values/address.ts";
import { formatDecimal } from "./values/decimal.ts";
import { bareOrQuoted, printable, SHOWN_CHARACTERS } from "./values/quote.ts";

/** Items of a list that a sentence names before it only counts the rest. */
export const NAMED_ITEMS = 8;

/** The values that would pass a caveat, as the end of "the token allows …". */
export function allowed(caveat: AttributeCaveat): string {
  switch (caveat.kind) {
    case "equality":
      return caveat.operator === "=" ? `only ${bareOrQuoted(caveat.value)}` : anythingBut([caveat.value]);
    case "membership":
      return caveat.operator === "in" ? `only ${either(caveat.items)}` : anythingBut(caveat.items);
    case "comparison":
      return boundPhrase(caveat.operator, caveat.bound);
    case "glob":
      return `only what matches ${bareOrQuoted(caveat.pattern)}`;
    case "network":
      return `only addresses within ${eitherBlock(caveat.blocks)}`;
    default:
      return caveat satisfies never;
  }
}

/** The call that a conditional caveat limits, as the end of a phrase: `if tool is pay`. */
export function conditionPhrase(
  caveat: ConditionalCaveat,
  showName = attributeName,
  showItems: (items: readonly string[]) => string = either,
): string {
  return `if ${showName(caveat.unless.attribute)} is ${showItems(limitedValues(caveat))}`;
}

/** An attribute's path, cut like any other text of a caveat's author. */
export function attributeName(attribute: string): string {
  return printable(attribute, SHOWN_CHARACTERS);
}

/** Items as alternatives: `a`, `a or b`, `a, b or c`, and only a count if they are too many to name. */
export function either(items: readonly string[]): string {
  return alternatives(items, (item) => bareOrQuoted(item));
}

/** Blocks of addresses as alternatives. */
export function eitherBlock(blocks: readonly Block[]): string {
  return alternatives(blocks, formatBlock);
}

/** The side of a bound that is allowed: `at most 100`, `before 2026-12-01T00:00:00Z`. */
export function boundPhrase(
  operator: ComparisonCaveat["operator"],
  bound: ComparisonCaveat["bound"],
): string {
  const decimal = bound.kind === "decimal";
  const text = printable(printBound(bound), SHOWN_CHARACTERS);
  switch (operator) {
    case "<":
      return `${decimal ? "less than" : "before"} ${text}`;
    case "<=":
      return `${decimal ? "at most" : "no later than"} ${text}`;
    case ">":
      return `${decimal ? "more than" : "after"} ${text}`;
    case ">=":
      return `${decimal ? "at least" : "no earlier than"} ${text}`;
    default:
      return operator satisfies never;
  }
}

const WINDOWS = { s: "second", m: "minute", h: "hour", d: "day" } as const satisfies Record<
  RateWindow,
  string
>;

/**
 * A budget as a limit: `at most 40 EUR in all`, `at most 5 times a minute`. Unless said, a unit is a name and needs no
 * quotes, but for those that would make it read as a `uses`.
 */
export function budgetPhrase(caveat: BudgetCaveat, showUnit = unitPhrase): string {
  switch (caveat.kind) {
    case "uses":
      return `at most ${times(caveat.most)} in all`;
    case "spend":
      return `at most ${formatDecimal(caveat.most)} ${showUnit(caveat.unit)} in all`;
    case "rate": {
      const article = caveat.window === "h" ? "an" : "a";
      return `at most ${times(caveat.most)} ${article} ${WINDOWS[caveat.window]}`;
    }
    default:
      return caveat satisfies never;
  }
}

function unitPhrase(unit: string): string {
  return /^times?$/i.test(unit) ? `"${unit}"` : unit;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function anythingBut(items: readonly string[]): string {
  return `anything but ${either(items)}`;
}

/** As {@link either}. @param most items that are named before the rest is only counted */
export function alternatives<T>(
  items: readonly T[],
  show: (item: T) => string,
  most: number = NAMED_ITEMS,
): string {
  const named = items.length > most + 1 ? most : items.length;
  let text = "";
  for (let at = 0; at < named; at++) {
    if (at > 0) text += at === items.length - 1 ? " or " : ", ";
    text += show(items[at] as T);
  }
  return named < items.length ? `${text} or ${items.length - named} more` : text;
}

import type { BudgetCaveat, ConditionalCaveat } from "../caveat.ts";
import { alternatives, budgetPhrase, NAMED_ITEMS } from "../phrases.ts";
import { formatBlock } from "../values/address.ts";
import { quote } from "../values/quote.ts";
import type { Merged } from "./merge.ts";
import { conditionalPhrases, limitPhrases, type Voice } from "./summary-attributes.ts";

/*
 * The limits of a call in the sentence that a person answers with yes. Whoever asks chose names, values and units, so
 * none of them stands there as a word of the service: each is in quotes, but for numbers and for the names below.
 */

/** The names that the language's own examples have. Each of them can be read in one way only. */
const KNOWN: ReadonlySet<string> = new Set([
  "account",
  "action",
  "args.amount",
  "args.currency",
  "args.to",
  "email",
  "ip",
  "resource",
  "tool",
]);

const NUMBER = /^-?\d{1,40}(?:\.\d{1,40})?$/;
/** What looks like the code of a currency (ISO 4217). */
const CURRENCY = /^[A-Z]{3}$/;

/** Whole, however long: the end that is cut off could be the part that counts. */
function inQuotes(text: string): string {
  return quote(text, text.length);
}

function shownValue(text: string): string {
  return NUMBER.test(text) ? text : inQuotes(text);
}

/** @param most alternatives that are named before the rest is only counted */
function voice(most: number): Voice {
  return {
    name: (attribute) => (KNOWN.has(attribute) ? attribute : inQuotes(attribute)),
    text: inQuotes,
    either: (items) => alternatives(items, shownValue, most),
    eitherBlock: (blocks) => alternatives(blocks, formatBlock, most),
  };
}

const WHOLE = voice(Number.POSITIVE_INFINITY);
const COUNTED = voice(NAMED_ITEMS);

/**
 * The limits on the attributes of the call, each with its whole path.
 *
 * @param isAsked whether the asker has set limits on them: then every alternative is named
 */
export function yesPhrases(all: Iterable<Merged>, isAsked: boolean): readonly string[] {
  const says = isAsked ? WHOLE : COUNTED;
  return [...all].flatMap((merged) => limitPhrases(merged, says));
}

/** The limits on some calls alone. Each says that it leaves the others open: read past that, it would promise too much. */
export function yesConditions(caveats: readonly ConditionalCaveat[], isAsked: boolean): readonly string[] {
  const phrases = conditionalPhrases(caveats, isAsked ? WHOLE : COUNTED);
  return phrases.map((phrase) => `${phrase} (else this limits nothing)`);
}

/** A budget. A unit that is no currency's code is its writer's word. */
export function yesBudget(caveat: BudgetCaveat): string {
  return budgetPhrase(caveat, (unit) => (CURRENCY.test(unit) ? unit : inQuotes(unit)));
}

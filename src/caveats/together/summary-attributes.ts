import type { AttributeCaveat, ConditionalCaveat } from "../caveat.ts";
import { attributeName, boundPhrase, conditionPhrase, either, eitherBlock } from "../phrases.ts";
import { printGuard } from "../print.ts";
import type { Block } from "../values/address.ts";
import { bareOrQuoted } from "../values/quote.ts";
import { type Merged, mergeCaveats } from "./merge.ts";

/** How a sentence shows what authors of caveats wrote. */
export interface Voice {
  name(attribute: string): string;
  text(text: string): string;
  either(items: readonly string[]): string;
  eitherBlock(blocks: readonly Block[]): string;
}

const SUMMARY: Voice = { name: attributeName, text: bareOrQuoted, either, eitherBlock };

/** The limits of a chain on the attributes of the context: the action and its resource first, then amounts. */
export function attributePhrases(all: ReadonlyMap<string, Merged>): readonly string[] {
  const phrases: string[] = [];
  const action = all.get("action");
  const resource = all.get("resource");
  const verbs = action?.only?.length ? either(action.only) : undefined;
  const things = resource === undefined ? undefined : resourcePhrase(resource);
  if (verbs !== undefined) phrases.push(things === undefined ? `only ${verbs}` : `${verbs} ${things}`);
  else if (things !== undefined) phrases.push(`only ${things}`);
  const amount = amountPhrase(all);
  if (amount !== undefined) phrases.push(amount);
  // Then the rest: what these phrases have not said yet.
  for (const merged of all.values()) {
    const { attribute } = merged;
    if (amount !== undefined && (attribute === AMOUNT || attribute === CURRENCY)) continue;
    if (merged === action && verbs !== undefined) addLimits(phrases, { ...merged, only: undefined });
    else if (merged === resource && things !== undefined) {
      addLimits(phrases, { ...merged, only: undefined, patterns: [] });
    } else addLimits(phrases, merged);
  }
  return phrases;
}

/** Between limits that all hold: a bare "and" would read as one more thing that is allowed. */
const AT_ONCE = " and at once ";

/**
 * Patterns without those inside which another one lies, and which therefore add nothing. Sorted, all that begins alike
 * stands together: so each is held against its neighbours, and not against all others.
 *
 * @param patterns each once
 */
function narrowest(patterns: readonly string[]): readonly string[] {
  if (patterns.length < 2) return patterns;
  const sorted = patterns.toSorted();
  const wider = new Set(
    sorted.filter((pattern, index) => {
      const folder = pattern.slice(0, -2);
      if (!pattern.endsWith("/**") || folder.includes("*")) return false;
      return [sorted[index - 1] ?? "", sorted[index + 1] ?? ""].some(
        (other) => other.length > folder.length && other.startsWith(folder),
      );
    }),
  );
  return patterns.filter((pattern) => !wider.has(pattern));
}

function resourcePhrase({ only, patterns }: Merged): string | undefined {
  if (only !== undefined && only.length === 0) return undefined;
  const matching = patterns.length === 0 ? undefined : together(narrowest(patterns), matchingPhrase, AT_ONCE);
  if (only === undefined) return matching === undefined ? undefined : `resources ${matching}`;
  const named = `${only.length === 1 ? "resource" : "resources"} ${either(only)}`;
  return matching === undefined ? named : `${named} if ${matching}`;
}

function matchingPhrase(pattern: string): string {
  const folder = pattern.endsWith("/**") ? pattern.slice(0, -3) : "";
  const isFolder = folder !== "" && !folder.includes("*");
  return isFolder ? `under ${bareOrQuoted(folder)}` : `matching ${bareOrQuoted(pattern)}`;
}

const AMOUNT = "args.amount";
const CURRENCY = "args.currency";

/**
 * `at most 100 EUR a call`: of the two names that mean it alone. Another path with an amount and a currency may be any
 * part of the call, and need not be what is paid.
 */
function amountPhrase(all: ReadonlyMap<string, Merged>): string | undefined {
  const amount = all.get(AMOUNT);
  const currency = all.get(CURRENCY);
  if (amount === undefined || currency === undefined || !isRange(amount) || !isSingle(currency))
    return undefined;
  return `${rangePhrase(amount.bounds)} ${either(currency.only ?? [])} a call`;
}

function rangePhrase(bounds: Merged["bounds"]): string {
  return together(bounds, ({ operator, bound }) => boundPhrase(operator, bound), " and ");
}

/** The phrases of a list's items as one. Nearly all lists have one item, and its phrase needs no other list. */
function together<T>(items: readonly T[], say: (item: T) => string, between: string): string {
  const [first] = items;
  return items.length === 1 && first !== undefined ? say(first) : items.map(say).join(between);
}

function isRange(merged: Merged): boolean {
  const onlyBounds = merged.only === undefined && merged.denied.length + merged.patterns.length === 0;
  const decimals = merged.bounds.every(({ bound }) => bound.kind === "decimal");
  return onlyBounds && merged.networks.length === 0 && decimals;
}

function isSingle(merged: Merged): boolean {
  const nothingElse = merged.denied.length + merged.patterns.length + merged.networks.length === 0;
  return merged.only?.length === 1 && nothingElse && merged.bounds.length === 0;
}

/** The limits on one attribute, each as a phrase that begins with its name. */
export function limitPhrases(merged: Merged, says: Voice = SUMMARY): readonly string[] {
  const phrases: string[] = [];
  addLimits(phrases, merged, says);
  return phrases;
}

function addLimits(phrases: string[], merged: Merged, says: Voice = SUMMARY): void {
  const { attribute, only, bounds, patterns, networks, denied } = merged;
  const name = says.name(attribute);
  if (only !== undefined) {
    phrases.push(
      only.length === 0 ? `${name} has no value that could pass` : `${name} only ${says.either(only)}`,
    );
  }
  if (bounds.length > 0) phrases.push(`${name} ${rangePhrase(bounds)}`);
  if (patterns.length > 0) {
    const matching = together(narrowest(patterns), (pattern) => `matching ${says.text(pattern)}`, AT_ONCE);
    phrases.push(`${name} ${matching}`);
  }
  if (networks.length > 0) {
    const within = together(networks, (blocks) => `within ${says.eitherBlock(blocks)}`, AT_ONCE);
    phrases.push(`${name} ${within}`);
  }
  if (denied.length > 0) phrases.push(`${name} not ${says.either(denied)}`);
}

/**
 * The limits on some calls alone, each as a phrase that ends with those calls: `args.amount at most 40 if tool is pay`.
 * It stands at the end, so that no other limit reads as one of those calls alone.
 */
export function conditionalPhrases(
  caveats: readonly ConditionalCaveat[],
  says: Voice = SUMMARY,
): readonly string[] {
  if (caveats.length === 0) return [];
  const groups = new Map<string, { readonly calls: string; readonly tests: AttributeCaveat[] }>();
  for (const caveat of caveats) {
    const key = printGuard(caveat);
    const group = groups.get(key);
    if (group !== undefined) group.tests.push(caveat.test);
    else groups.set(key, { calls: conditionPhrase(caveat, says.name, says.either), tests: [caveat.test] });
  }
  return [...groups.values()].flatMap(({ calls, tests }) =>
    [...mergeCaveats(tests).values()].flatMap((merged) =>
      limitPhrases(merged, says).map((limit) => `${limit} ${calls}`),
    ),
  );
}

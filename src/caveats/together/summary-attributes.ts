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
  const rest = new Map(all);
  const phrases = [...actionPhrases(rest), ...amountPhrases(rest)];
  for (const merged of rest.values()) phrases.push(...limitPhrases(merged));
  return phrases;
}

/** `read or list resources under repo:acme`: the attributes that it takes are cleared from the rest. */
function actionPhrases(rest: Map<string, Merged>): readonly string[] {
  const action = rest.get("action");
  const resource = rest.get("resource");
  const verbs = action?.only?.length ? either(action.only) : undefined;
  const things = resource === undefined ? undefined : resourcePhrase(resource);
  if (action !== undefined && verbs !== undefined) rest.set("action", { ...action, only: undefined });
  if (resource !== undefined && things !== undefined) {
    rest.set("resource", { ...resource, only: undefined, patterns: [] });
  }
  if (verbs !== undefined) return [things === undefined ? `only ${verbs}` : `${verbs} ${things}`];
  return things === undefined ? [] : [`only ${things}`];
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
  const sorted = patterns.toSorted();
  const wider = new Set(
    sorted.filter((pattern, index) => {
      const folder = pattern.endsWith("/**") ? pattern.slice(0, -2) : "";
      if (folder === "" || folder.includes("*")) return false;
      return [sorted[index - 1] ?? "", sorted[index + 1] ?? ""].some(
        (other) => other.length > folder.length && other.startsWith(folder),
      );
    }),
  );
  return patterns.filter((pattern) => !wider.has(pattern));
}

function resourcePhrase({ only, patterns }: Merged): string | undefined {
  if (only !== undefined && only.length === 0) return undefined;
  const matching = narrowest(patterns).map((pattern) => {
    const folder = pattern.endsWith("/**") ? pattern.slice(0, -3) : "";
    const isFolder = folder !== "" && !folder.includes("*");
    return isFolder ? `under ${bareOrQuoted(folder)}` : `matching ${bareOrQuoted(pattern)}`;
  });
  if (only === undefined) return matching.length === 0 ? undefined : `resources ${matching.join(AT_ONCE)}`;
  const named = `${only.length === 1 ? "resource" : "resources"} ${either(only)}`;
  return matching.length === 0 ? named : `${named} if ${matching.join(AT_ONCE)}`;
}

/**
 * `at most 100 EUR a call`: of the two names that mean it alone. Another path with an amount and a currency may be any
 * part of the call, and need not be what is paid.
 */
function amountPhrases(rest: Map<string, Merged>): readonly string[] {
  const [amount, currency] = [rest.get("args.amount"), rest.get("args.currency")];
  if (amount === undefined || currency === undefined || !isRange(amount) || !isSingle(currency)) return [];
  rest.delete(amount.attribute);
  rest.delete(currency.attribute);
  const range = amount.bounds.map(({ operator, bound }) => boundPhrase(operator, bound)).join(" and ");
  return [`${range} ${either(currency.only ?? [])} a call`];
}

function isRange(merged: Merged): boolean {
  const onlyBounds = merged.only === undefined && merged.denied.length + merged.patterns.length === 0;
  const decimals = merged.bounds.length > 0 && merged.bounds.every(({ bound }) => bound.kind === "decimal");
  return onlyBounds && merged.networks.length === 0 && decimals;
}

function isSingle(merged: Merged): boolean {
  const nothingElse = merged.denied.length + merged.patterns.length + merged.networks.length === 0;
  return merged.only?.length === 1 && nothingElse && merged.bounds.length === 0;
}

/** The limits on one attribute, each as a phrase that begins with its name. */
export function limitPhrases(merged: Merged, says: Voice = SUMMARY): readonly string[] {
  const { attribute, only, bounds, patterns, networks, denied } = merged;
  const name = says.name(attribute);
  const limits: string[] = [];
  if (only !== undefined) {
    limits.push(
      only.length === 0 ? `${name} has no value that could pass` : `${name} only ${says.either(only)}`,
    );
  }
  if (bounds.length > 0) {
    const range = bounds.map(({ operator, bound }) => boundPhrase(operator, bound)).join(" and ");
    limits.push(`${name} ${range}`);
  }
  if (patterns.length > 0) {
    const matching = narrowest(patterns).map((pattern) => `matching ${says.text(pattern)}`);
    limits.push(`${name} ${matching.join(AT_ONCE)}`);
  }
  if (networks.length > 0) {
    const within = networks.map((blocks) => `within ${says.eitherBlock(blocks)}`);
    limits.push(`${name} ${within.join(AT_ONCE)}`);
  }
  if (denied.length > 0) limits.push(`${name} not ${says.either(denied)}`);
  return limits;
}

/**
 * The limits on some calls alone, each as a phrase that ends with those calls: `args.amount at most 40 if tool is pay`.
 * It stands at the end, so that no other limit reads as one of those calls alone.
 */
export function conditionalPhrases(
  caveats: readonly ConditionalCaveat[],
  says: Voice = SUMMARY,
): readonly string[] {
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

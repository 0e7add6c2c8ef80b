import { attributeName, boundPhrase, either, eitherBlock } from "../phrases.ts";
import { bareOrQuoted } from "../values/quote.ts";
import type { Merged } from "./merge.ts";

/** The limits of a chain on the attributes of the context: the action and its resource first, then amounts. */
export function attributePhrases(all: ReadonlyMap<string, Merged>): readonly string[] {
  const rest = new Map(all);
  const phrases = [...actionPhrases(rest), ...amountPhrases(rest)];
  for (const merged of rest.values()) phrases.push(...generalPhrases(merged));
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

/** Patterns without those inside which another one lies, and which therefore add nothing. */
function narrowest(patterns: readonly string[]): readonly string[] {
  return patterns.filter((pattern, index) => {
    const folder = pattern.endsWith("/**") ? pattern.slice(0, -2) : "";
    if (folder === "" || folder.includes("*")) return true;
    return !patterns.some(
      (other, at) =>
        at !== index && other.length > folder.length && other.startsWith(folder) && other !== pattern,
    );
  });
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

/** `at most 100 EUR a call`, if just one amount has just one currency beside it. */
function amountPhrases(rest: Map<string, Merged>): readonly string[] {
  const pairs = [...rest.values()].flatMap((amount) => {
    const currency = amount.attribute.endsWith("amount")
      ? rest.get(currencyBeside(amount.attribute))
      : undefined;
    return currency !== undefined && isRange(amount) && isSingle(currency) ? [{ amount, currency }] : [];
  });
  const [pair] = pairs;
  if (pair === undefined || pairs.length > 1) return [];
  rest.delete(pair.amount.attribute);
  rest.delete(pair.currency.attribute);
  const range = pair.amount.bounds.map(({ operator, bound }) => boundPhrase(operator, bound)).join(" and ");
  return [`${range} ${either(pair.currency.only ?? [])} a call`];
}

function currencyBeside(attribute: string): string {
  const dot = attribute.lastIndexOf(".");
  return attribute.slice(dot + 1) === "amount" ? `${attribute.slice(0, dot + 1)}currency` : "";
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

function generalPhrases(merged: Merged): readonly string[] {
  const says: string[] = [];
  if (merged.only !== undefined) {
    says.push(merged.only.length === 0 ? "has no value that could pass" : `only ${either(merged.only)}`);
  }
  if (merged.bounds.length > 0) {
    says.push(merged.bounds.map(({ operator, bound }) => boundPhrase(operator, bound)).join(" and "));
  }
  if (merged.patterns.length > 0)
    says.push(
      narrowest(merged.patterns)
        .map((pattern) => `matching ${bareOrQuoted(pattern)}`)
        .join(AT_ONCE),
    );
  if (merged.networks.length > 0)
    says.push(merged.networks.map((blocks) => `within ${eitherBlock(blocks)}`).join(AT_ONCE));
  if (merged.denied.length > 0) says.push(`not ${either(merged.denied)}`);
  return says.map((text) => `${attributeName(merged.attribute)} ${text}`);
}

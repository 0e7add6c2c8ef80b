import { type AttributeCaveat, type Caveat, isBudget, isOnAttribute } from "../caveat.ts";
import type { Condition } from "../condition.ts";
import { mismatch } from "../forbids.ts";
import { deniedBy } from "../prepared.ts";
import { millisecondsOf } from "../values/instant.ts";
import { newWork, type Work } from "../values/work.ts";
import { type Merged, mergeCaveats } from "./merge.ts";
import { yesBudget, yesConditions, yesPhrases } from "./yes-phrases.ts";

/** The parts of a sentence that says the effect of a person's yes. All of it is enforced. */
export interface Allowance {
  /** The limits of the call, each as a phrase: `args.amount only 40`. Empty if nothing is limited; all else is open. */
  readonly what: readonly string[];
  /** Limits on some calls alone: `args.amount at most 40 if tool is "pay" (else this limits nothing)`. */
  readonly conditional: readonly string[];
  /** How often at most; null if nothing counts it. */
  readonly uses: number | null;
  /** The other budgets, each as a phrase: `at most 40 EUR in all`. */
  readonly budgets: readonly string[];
  /** Unix milliseconds before which nothing is allowed; null for none. */
  readonly from: number | null;
  /** Unix milliseconds at which it ends at the latest; null for none. */
  readonly until: number | null;
}

/** Phrases of the issuer that a sentence spells out before it only counts the rest, which only narrows. */
const MOST_PHRASES = 64;

/**
 * Puts together the limits of a discharge: the caveats that the asker has appended to it, and of the token those that
 * the issuer wrote. Of the holders' caveats only times count, since nothing but a number can be said in them.
 *
 * The asker's tests come first. None of them is left out that says more than the others, and none of
 * their alternatives that could pass.
 *
 * @param token the token's whole chain
 * @param issued how many conditions at the front of it the issuer wrote
 * @param asked the asker's caveats
 */
export function allowanceOf(
  token: readonly Condition[],
  issued: number,
  asked: readonly Condition[],
): Allowance {
  const written = token.slice(0, issued);
  const tests = testsOf(asked);
  const names = new Set(tests.map(({ attribute }) => attribute));
  const every = [...tests, ...testsOf(written)];
  const work = newWork();
  const all = [...mergeCaveats(every).values()].map((merged) =>
    onceEach(
      merged,
      every.filter(({ attribute }) => attribute === merged.attribute),
      work,
    ),
  );
  const own = yesPhrases(
    all.filter(({ attribute }) => names.has(attribute)),
    true,
  );
  const others = yesPhrases(
    all.filter(({ attribute }) => !names.has(attribute)),
    false,
  );
  const conditional = [
    ...yesConditions(conditionalOf(asked), true),
    ...cut(yesConditions(conditionalOf(written), false)),
  ];
  const times = [...token, ...asked].flatMap(caveatOf).filter((caveat) => caveat.kind === "time");
  const at = (operator: "<" | ">") =>
    times.filter((caveat) => caveat.operator === operator).map((caveat) => millisecondsOf(caveat.at));
  const [starts, ends] = [at(">"), at("<")];
  const budgets = [...asked, ...written].flatMap(caveatOf).filter(isBudget);
  const uses = budgets.flatMap((budget) => (budget.kind === "uses" ? [budget.most] : []));
  const counted = budgets.filter((budget) => budget.kind !== "uses").map(yesBudget);
  return {
    what: [...own, ...cut(others)].map(plainly),
    conditional: conditional.map(plainly),
    uses: uses.length === 0 ? null : Math.min(...uses),
    budgets: [...new Set(counted)],
    from: starts.length === 0 ? null : Math.max(...starts),
    until: ends.length === 0 ? null : Math.min(...ends),
  };
}

/**
 * Each fact once, and the narrowest: if few values are left that pass, they say all that the other limits do. If none
 * passes, or it would take too long to know, everything is said.
 *
 * @param tests all on that attribute
 */
function onceEach(merged: Merged, tests: readonly AttributeCaveat[], work: Work): Merged {
  let left = merged.only ?? [];
  for (const test of tests) {
    const denied = deniedBy(test);
    left = left.filter((value) => mismatch(test, denied, value, work) === undefined);
    if (work.left < 0) return merged;
  }
  return left.length === 0
    ? merged
    : { ...merged, only: left, denied: [], bounds: [], patterns: [], networks: [] };
}

/**
 * A text with every character escaped that is neither ASCII nor a letter of Western Europe, so that no letter passes
 * for another one that it looks like.
 */
export function plainly(text: string): string {
  return text.replace(
    /[^ -~\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff\u2026]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function caveatOf(condition: Condition): readonly Caveat[] {
  return condition.state === "known" ? [condition.caveat] : [];
}

function testsOf(conditions: readonly Condition[]) {
  return conditions.flatMap(caveatOf).filter(isOnAttribute);
}

function conditionalOf(conditions: readonly Condition[]) {
  return conditions.flatMap(caveatOf).filter((caveat) => caveat.kind === "conditional");
}

/** Phrases of the issuer, the rest of which is only counted. */
function cut(phrases: readonly string[]): readonly string[] {
  const rest = phrases.length - MOST_PHRASES;
  return rest > 0
    ? [
        ...phrases.slice(0, MOST_PHRASES),
        `${rest} more ${rest === 1 ? "condition" : "conditions"} of the token's issuer`,
      ]
    : phrases;
}

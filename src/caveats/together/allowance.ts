import { type Caveat, isBudget, isOnAttribute } from "../caveat.ts";
import type { Condition } from "../condition.ts";
import { budgetPhrase } from "../phrases.ts";
import { millisecondsOf } from "../values/instant.ts";
import { mergeCaveats } from "./merge.ts";
import { attributePhrases } from "./summary-attributes.ts";

/** The parts of a sentence that says the effect of a person's yes. All of it is enforced. */
export interface Allowance {
  /** The limits of the call, each as a phrase: `args.amount only 40`. Empty if nothing is limited. */
  readonly what: readonly string[];
  /** Whether every test that was asked for has one value, so that it is one call that is allowed. */
  readonly single: boolean;
  /** How often at most; null if nothing counts it. */
  readonly uses: number | null;
  /** The other budgets, each as a phrase: `at most 40 EUR in all`. */
  readonly budgets: readonly string[];
  /** Unix milliseconds before which nothing is allowed; null for none. */
  readonly from: number | null;
  /** Unix milliseconds at which it ends at the latest; null for none. */
  readonly until: number | null;
}

/** Phrases that a sentence spells out before it only counts the rest, which only narrows. */
const MOST_PHRASES = 64;

/**
 * Puts together the limits of a discharge: the caveats that the asker has appended to it, and of the token those that
 * the issuer wrote. Of the holders' caveats only times count, since nothing but a number can be said in them.
 *
 * The asker's tests come first, and none of them is left out.
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
  const tests = testsOf(asked);
  const phrases = attributePhrases(mergeCaveats([...tests, ...testsOf(token.slice(0, issued))]));
  const rest = phrases.length - MOST_PHRASES;
  const times = [...token, ...asked].flatMap(caveatOf).filter((caveat) => caveat.kind === "time");
  const at = (operator: "<" | ">") =>
    times.filter((caveat) => caveat.operator === operator).map((caveat) => millisecondsOf(caveat.at));
  const [starts, ends] = [at(">"), at("<")];
  const budgets = [...asked, ...token.slice(0, issued)].flatMap(caveatOf).filter(isBudget);
  const uses = budgets.flatMap((budget) => (budget.kind === "uses" ? [budget.most] : []));
  const others = budgets.filter((budget) => budget.kind !== "uses").map(budgetPhrase);
  return {
    what: (rest > 0
      ? [...phrases.slice(0, MOST_PHRASES), `${rest} more conditions of the token's issuer`]
      : phrases
    ).map(plainly),
    single: tests.length > 0 && tests.every((test) => test.kind === "equality" && test.operator === "="),
    uses: uses.length === 0 ? null : Math.min(...uses),
    budgets: [...new Set(others)],
    from: starts.length === 0 ? null : Math.max(...starts),
    until: ends.length === 0 ? null : Math.min(...ends),
  };
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

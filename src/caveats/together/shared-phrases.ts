import type { AttributeCaveat } from "../caveat.ts";
import { mergeCaveats } from "./merge.ts";
import { attributePhrases } from "./summary-attributes.ts";

interface Said {
  readonly tests: readonly AttributeCaveat[];
  readonly phrases: readonly string[];
}

/** So many lists are kept, those that came last. */
const KEPT = 16;

/** Characters of all caveats of a list. What is longer is said anew each time: so all lists take 16 KB of texts, and what was read of them. */
const LONGEST = 1_024;

const kept: (Said | undefined)[] = new Array<Said | undefined>(KEPT).fill(undefined);
let next = 0;

/**
 * As {@link attributePhrases} of the merged tests, which it keeps by the caveats themselves: the reader of caveats shares those that
 * recur. An answer says the same tests in two sentences, and tokens of one agent's sub-agents differ in their agents' names
 * alone. Of the 12 us that a summary of ten caveats took these phrases were 6.
 *
 * @param length characters of the caveats' texts
 */
export function sharedPhrases(tests: readonly AttributeCaveat[], length: number): readonly string[] {
  if (tests.length === 0 || length > LONGEST) return attributePhrases(mergeCaveats(tests));
  for (const one of kept) if (one !== undefined && areSame(one.tests, tests)) return one.phrases;
  const phrases = attributePhrases(mergeCaveats(tests));
  kept[next] = { tests, phrases };
  next = (next + 1) % KEPT;
  return phrases;
}

/** From the last, in which lists differ most. */
function areSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = a.length - 1; at >= 0; at--) if (a[at] !== b[at]) return false;
  return true;
}

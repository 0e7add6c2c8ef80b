import { type AttributeCaveat, type Caveat, type ConditionalCaveat, isOnAttribute } from "../caveat.ts";
import { mismatch } from "../forbids.ts";
import { deniedBy } from "../prepared.ts";
import { spend, type Work } from "../values/work.ts";

// Reading a denied value in every way takes about as long as looking at this many characters.
const ITEM_COST = 150;

/** A caveat and its position in the chain. */
export interface Indexed<T extends Caveat = Caveat> {
  readonly index: number;
  readonly caveat: T;
}

/** A test that every call has to pass. */
export interface Test {
  readonly caveat: AttributeCaveat;
  /** The caveats that it follows from: itself, or a conditional one and those by which that limits every call. */
  readonly because: readonly Indexed[];
}

/**
 * The tests of a chain that every call has to pass: its own, and those of conditional caveats that no call can be
 * exempt from, as `when tool = pay then …` beside `tool = pay`. Certain, and not complete.
 */
export function testsOfEveryCall(known: readonly Indexed[], work: Work): readonly Test[] {
  const tests: Test[] = [];
  let waiting: readonly Indexed<ConditionalCaveat>[] = [];
  for (const entry of known) {
    const { index, caveat } = entry;
    if (isOnAttribute(caveat)) tests.push({ caveat, because: [entry] });
    else if (caveat.kind === "conditional") waiting = [...waiting, { index, caveat }];
  }
  let found = tests.length;
  while (waiting.length > 0 && found > 0) {
    const before = tests.length;
    waiting = waiting.filter((entry) => {
      const { unless, test } = entry.caveat;
      const reason = tests.slice(0, before).find(({ caveat }) => fails(caveat, unless, work));
      if (reason !== undefined) tests.push({ caveat: test, because: [...reason.because, entry] });
      return reason === undefined;
    });
    found = tests.length - before;
  }
  return tests;
}

/** Whether every value that satisfies a test fails another one, of the same attribute. */
function fails(test: AttributeCaveat, unless: ConditionalCaveat["unless"], work: Work): boolean {
  if (!spend(work, 1) || test.attribute !== unless.attribute) return false;
  const values = valuesOf(test);
  if (values === undefined) return false;
  if (!spend(work, ITEM_COST * (unless.kind === "membership" ? unless.items.length : 1))) return false;
  const denied = deniedBy(unless);
  // Refused for want of work is no proof.
  return values.every((value) => mismatch(unless, denied, value, work) !== undefined) && work.left >= 0;
}

/** All values that satisfy a test, if it names them. */
function valuesOf(test: AttributeCaveat): readonly string[] | undefined {
  if (test.kind === "equality" && test.operator === "=") return [test.value];
  return test.kind === "membership" && test.operator === "in" ? test.items : undefined;
}

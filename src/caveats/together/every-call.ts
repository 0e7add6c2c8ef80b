import { type AttributeCaveat, type Caveat, type ConditionalCaveat, isOnAttribute } from "../caveat.ts";
import { mismatch } from "../forbids.ts";
import { denialCost, deniedBy } from "../prepared.ts";
import { spend, type Work } from "../values/work.ts";

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

/** A conditional caveat that some calls may be exempt from. */
interface Waiting {
  readonly entry: Indexed<ConditionalCaveat>;
  /** Every reading of the values of its `unless`: found out once, and not for each test that it is held against. */
  denied: ReadonlySet<string> | undefined;
}

/**
 * The tests of a chain that every call has to pass: its own, and those of conditional caveats that no call can be
 * exempt from, as `when tool = pay then …` beside `tool = pay`. Certain, and not complete.
 */
export function testsOfEveryCall(known: readonly Indexed[], work: Work): readonly Test[] {
  const tests: Test[] = [];
  const waiting = new Map<string, Waiting[]>();
  for (const entry of known) {
    const { index, caveat } = entry;
    if (isOnAttribute(caveat)) tests.push({ caveat, because: [entry] });
    else if (caveat.kind === "conditional") {
      const { attribute } = caveat.unless;
      const one = { entry: { index, caveat }, denied: undefined };
      const others = waiting.get(attribute);
      if (others === undefined) waiting.set(attribute, [one]);
      else others.push(one);
    }
  }
  // A test that is found has its turn behind those that were there.
  for (const { caveat, because } of tests) {
    const { attribute } = caveat;
    const held = waiting.get(attribute);
    const values = valuesOf(caveat);
    if (held === undefined || values === undefined) continue;
    const left = held.filter((one) => {
      if (!allFail(values, one, work)) return true;
      tests.push({ caveat: one.entry.caveat.test, because: [...because, one.entry] });
      return false;
    });
    waiting.set(attribute, left);
  }
  return tests;
}

/** Whether every one of some values fails the `unless` of a conditional caveat. */
function allFail(values: readonly string[], one: Waiting, work: Work): boolean {
  const { unless } = one.entry.caveat;
  if (one.denied === undefined) {
    if (!spend(work, denialCost(unless))) return false;
    one.denied = deniedBy(unless);
  }
  const { denied } = one;
  // Refused for want of work is no proof.
  return values.every((value) => mismatch(unless, denied, value, work) !== undefined) && work.left >= 0;
}

/** All values that satisfy a test, if it names them. */
function valuesOf(test: AttributeCaveat): readonly string[] | undefined {
  if (test.kind === "equality" && test.operator === "=") return [test.value];
  return test.kind === "membership" && test.operator === "in" ? test.items : undefined;
}

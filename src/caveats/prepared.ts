import { type AttributeCaveat, type Caveat, isOnAttribute } from "./caveat.ts";
import { pathOf } from "./look-up.ts";
import { readingsCost, readingsOf } from "./values/canonical.ts";

/** The facts for clearing a caveat that depend on the caveat alone. */
export interface Prepared {
  /** The names of its attribute's path. */
  readonly path: readonly string[];
  /** Every reading of the values that a negative operator denies; undefined for a positive one. */
  readonly denied: ReadonlySet<string> | undefined;
  /** Of a conditional caveat: the facts of its `unless`. The others are those of its test. */
  readonly unless?: Prepared;
}

/** Names and items up to which prepared facts are kept: so that they take little memory beside the caveat's own. */
const MOST_KEPT = 16;

/** Facts to keep with a caveat that may be cleared often; undefined if there are none, or if they would be much. */
export function prepare(caveat: Caveat): Prepared | undefined {
  if (caveat.kind === "conditional") {
    const [unless, test] = [prepareTest(caveat.unless), prepareTest(caveat.test)];
    return unless && test && { ...test, unless };
  }
  return isOnAttribute(caveat) ? prepareTest(caveat) : undefined;
}

function prepareTest(caveat: AttributeCaveat): Prepared | undefined {
  if (caveat.kind === "membership" && caveat.items.length > MOST_KEPT) return undefined;
  const path = pathOf(caveat.attribute);
  return path.length > MOST_KEPT ? undefined : { path, denied: deniedBy(caveat) };
}

/** Every reading of the denied values of a negative operator, to be looked up for each value; undefined for a positive one. */
export function deniedBy(caveat: AttributeCaveat): ReadonlySet<string> | undefined {
  if (caveat.kind === "equality" && caveat.operator === "!=") return new Set(readingsOf(caveat.value));
  if (caveat.kind !== "membership" || caveat.operator === "in") return undefined;
  return new Set(caveat.items.flatMap(readingsOf));
}

/** The cost of {@link deniedBy}, of an allowance of work. */
export function denialCost(caveat: AttributeCaveat): number {
  if (caveat.kind === "equality" && caveat.operator === "!=") return costOf(caveat.value);
  if (caveat.kind !== "membership" || caveat.operator === "in") return 0;
  return caveat.items.reduce((sum, item) => sum + costOf(item), 0);
}

function costOf(item: string): number {
  return item.length + readingsCost(item);
}

import type { AttributeCaveat, Caveat } from "./caveat.ts";
import { pathOf } from "./look-up.ts";
import { readingsOf } from "./values/canonical.ts";

/** What clearing a caveat takes that depends on the caveat alone. */
export interface Prepared {
  /** The names of its attribute's path. */
  readonly path: readonly string[];
  /** Every reading of what a negative operator denies; undefined for a positive one. */
  readonly denied: ReadonlySet<string> | undefined;
}

/** Names and items up to which what was prepared is kept: so that it takes little memory beside the caveat's own. */
const MOST_KEPT = 16;

/** What to keep with a caveat that may be cleared often; undefined where there is nothing, or where it would be much. */
export function prepare(caveat: Caveat): Prepared | undefined {
  if (!("attribute" in caveat)) return undefined;
  if (caveat.kind === "membership" && caveat.items.length > MOST_KEPT) return undefined;
  const path = pathOf(caveat.attribute);
  return path.length > MOST_KEPT ? undefined : { path, denied: deniedBy(caveat) };
}

/** Every reading of what a negative operator denies, to be looked up for each value; undefined for a positive one. */
export function deniedBy(caveat: AttributeCaveat): ReadonlySet<string> | undefined {
  if (caveat.kind === "equality" && caveat.operator === "!=") return new Set(readingsOf(caveat.value));
  if (caveat.kind !== "membership" || caveat.operator === "in") return undefined;
  return new Set(caveat.items.flatMap(readingsOf));
}

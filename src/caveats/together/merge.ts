import type { AttributeCaveat, ComparisonCaveat } from "../caveat.ts";
import type { Block } from "../values/address.ts";
import { compareDecimals } from "../values/decimal.ts";
import { compareInstants } from "../values/instant.ts";
import { distinct } from "./distinct.ts";

/** One side of a range. */
export type Bound = Pick<ComparisonCaveat, "operator" | "bound">;

/** All that a chain says about one attribute, put together without saying more or less. */
export interface Merged {
  readonly attribute: string;
  /** The texts that every `=` and `in` allows; undefined if there is none of either. */
  readonly only: readonly string[] | undefined;
  /** The texts that a `!=` or `not in` denies. */
  readonly denied: readonly string[];
  /** The tightest bound of each side and kind. */
  readonly bounds: readonly Bound[];
  readonly patterns: readonly string[];
  /** The blocks of each `within`: an address must lie in one of each. */
  readonly networks: readonly (readonly Block[])[];
}

/** Puts together caveats on the same attribute, in the order in which attributes first appear. */
export function mergeCaveats(caveats: readonly AttributeCaveat[]): ReadonlyMap<string, Merged> {
  const gathered = new Map<string, Gathered>();
  for (const caveat of caveats) {
    const { attribute } = caveat;
    let known = gathered.get(attribute);
    if (known === undefined) {
      known = { attribute, only: undefined, denied: NONE, bounds: NONE, patterns: NONE, networks: NONE };
      gathered.set(attribute, known);
    }
    gather(known, caveat);
  }
  for (const known of gathered.values()) {
    known.denied = distinct(known.denied);
    known.patterns = distinct(known.patterns);
  }
  return gathered;
}

/**
 * Orders two bounds of one kind; undefined if one is a decimal and the other an instant, since no value
 * is both.
 */
export function compareBounds(
  a: ComparisonCaveat["bound"],
  b: ComparisonCaveat["bound"],
): number | undefined {
  if (a.kind === "decimal") return b.kind === "decimal" ? compareDecimals(a, b) : undefined;
  return b.kind === "instant" ? compareInstants(a, b) : undefined;
}

/** Whether an operator bounds from above. */
export function isUpper(operator: ComparisonCaveat["operator"]): boolean {
  return operator === "<" || operator === "<=";
}

/** While it is being filled, a list may have an item twice: so many caveats on one attribute take time linear in their items. */
type Gathered = { -readonly [Name in keyof Merged]: Merged[Name] };

/** The list of all that have none of it. */
const NONE: readonly never[] = [];

/** Adds to a list: to the one that is shared while it is empty a copy, to any other in its place. */
function grown<T>(list: readonly T[], items: readonly T[]): readonly T[] {
  if (list.length === 0) return [...items];
  (list as T[]).push(...items);
  return list;
}

function gather(known: Gathered, caveat: AttributeCaveat): void {
  switch (caveat.kind) {
    case "equality":
      gatherTexts(known, caveat.operator === "=", [caveat.value]);
      return;
    case "membership":
      gatherTexts(known, caveat.operator === "in", caveat.items);
      return;
    case "comparison":
      known.bounds = tighten(known.bounds, caveat);
      return;
    case "glob":
      known.patterns = grown(known.patterns, [caveat.pattern]);
      return;
    case "network":
      known.networks = grown(known.networks, [caveat.blocks]);
      return;
    default:
      caveat satisfies never;
  }
}

function gatherTexts(known: Gathered, allowed: boolean, items: readonly string[]): void {
  if (allowed) {
    const before = known.only;
    if (before === undefined) known.only = distinct(items);
    else {
      const added = new Set(items);
      known.only = before.filter((item) => added.has(item));
    }
  } else {
    known.denied = grown(known.denied, items);
  }
}

function tighten(bounds: readonly Bound[], { operator, bound }: Bound): readonly Bound[] {
  const added = { operator, bound };
  const same = bounds.findIndex(
    (known) => isUpper(known.operator) === isUpper(operator) && known.bound.kind === bound.kind,
  );
  const known = bounds[same];
  if (known === undefined) return bounds.concat(added);
  return isTighter(added, known) ? bounds.with(same, added) : bounds;
}

function isTighter(a: Bound, b: Bound): boolean {
  const order = compareBounds(a.bound, b.bound) ?? 0;
  if (order !== 0) return isUpper(a.operator) ? order < 0 : order > 0;
  return a.operator.length < b.operator.length;
}

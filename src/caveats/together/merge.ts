import type { AttributeCaveat, ComparisonCaveat } from "../caveat.ts";
import type { Block } from "../values/address.ts";
import { compareDecimals } from "../values/decimal.ts";
import { compareInstants } from "../values/instant.ts";

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
    let known = gathered.get(caveat.attribute);
    if (known === undefined) {
      known = { only: undefined, denied: undefined, bounds: [], patterns: undefined, networks: [] };
      gathered.set(caveat.attribute, known);
    }
    gather(known, caveat);
  }
  const merged = new Map<string, Merged>();
  for (const [attribute, known] of gathered) merged.set(attribute, toMerged(attribute, known));
  return merged;
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

/**
 * Mutable while it is being filled, so that many caveats on one attribute take time linear in their items. A set is made for
 * its first item: most attributes need none.
 */
interface Gathered {
  /** Each once. */
  only: readonly string[] | undefined;
  denied: Set<string> | undefined;
  bounds: readonly Bound[];
  patterns: Set<string> | undefined;
  readonly networks: (readonly Block[])[];
}

function toMerged(attribute: string, { only, denied, bounds, patterns, networks }: Gathered): Merged {
  return {
    attribute,
    only,
    denied: denied === undefined ? [] : [...denied],
    bounds,
    patterns: patterns === undefined ? [] : [...patterns],
    networks,
  };
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
      known.patterns ??= new Set();
      known.patterns.add(caveat.pattern);
      return;
    case "network":
      known.networks.push(caveat.blocks);
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
    known.denied ??= new Set();
    for (const item of items) known.denied.add(item);
  }
}

/** Up to so many items a search of the list costs less than a set. */
const FEW = 8;

function distinct(items: readonly string[]): readonly string[] {
  const areFew = items.length <= FEW && items.every((item, at) => items.indexOf(item) === at);
  return areFew ? items : [...new Set(items)];
}

function tighten(bounds: readonly Bound[], { operator, bound }: Bound): readonly Bound[] {
  const added = { operator, bound };
  const same = bounds.findIndex(
    (known) => isUpper(known.operator) === isUpper(operator) && known.bound.kind === bound.kind,
  );
  const known = bounds[same];
  if (known === undefined) return [...bounds, added];
  return isTighter(added, known) ? bounds.with(same, added) : bounds;
}

function isTighter(a: Bound, b: Bound): boolean {
  const order = compareBounds(a.bound, b.bound) ?? 0;
  if (order !== 0) return isUpper(a.operator) ? order < 0 : order > 0;
  return a.operator.length < b.operator.length;
}

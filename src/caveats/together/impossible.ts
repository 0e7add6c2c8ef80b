import type { AttributeCaveat } from "../caveat.ts";
import { mismatch } from "../forbids.ts";
import { denialCost, deniedBy } from "../prepared.ts";
import { type Block, overlap } from "../values/address.ts";
import { spend, type Work } from "../values/work.ts";
import { compareBounds, isUpper, type Merged, mergeCaveats } from "./merge.ts";

// Merging an item, with all its readings, takes about as long as looking at this many characters.
const ITEM_COST = 16;

// Comparing two blocks, and keeping one, as many characters again.
const PAIR_COST = 64;

// Naming a block, as many again.
const BLOCK_COST = 100;

/**
 * Whether no value at all satisfies some caveats on one attribute.
 *
 * True is certain; false only says that nothing was found, or that the allowance was used up. Lists need no
 * thought of their own: every element must satisfy all caveats, and there must be one.
 */
export function impossible(caveats: readonly AttributeCaveat[], work: Work): boolean {
  const [first] = caveats;
  if (first === undefined) return false;
  const items = caveats.reduce((sum, caveat) => sum + itemsIn(caveat), 0);
  if (!spend(work, ITEM_COST * items)) return false;
  const merged = mergeCaveats(caveats).get(first.attribute);
  if (merged === undefined) return false;
  if (kindsClash(merged) || rangeIsEmpty(merged) || prefixesClash(merged.patterns)) return true;
  if (blocksClash(merged.networks, work)) return true;
  const values = finiteValues(merged);
  return values !== undefined && allFail(caveats, values, work);
}

/** No text is two of a decimal, an instant and an address. */
function kindsClash({ bounds, networks }: Merged): boolean {
  const kinds = new Set<string>(bounds.map(({ bound }) => bound.kind));
  if (networks.length > 0) kinds.add("address");
  return kinds.size > 1;
}

function rangeIsEmpty({ bounds }: Merged): boolean {
  const upper = bounds.find(({ operator }) => isUpper(operator));
  const lower = bounds.find(({ operator }) => !isUpper(operator));
  if (upper === undefined || lower === undefined) return false;
  const order = compareBounds(lower.bound, upper.bound);
  if (order !== 0) return order === undefined || order > 0;
  return upper.operator === "<" || lower.operator === ">";
}

/** Globs compare by their literal beginnings only: a value has to begin with all of them. */
function prefixesClash(patterns: readonly string[]): boolean {
  const prefixes = patterns.map((pattern) => pattern.split("*", 1)[0] ?? "");
  const longest = prefixes.reduce((a, b) => (b.length > a.length ? b : a), "");
  return prefixes.some((prefix) => !longest.startsWith(prefix));
}

/** Two blocks are disjoint or nested, so the intersection of several lists is again a list of their blocks. */
function blocksClash(networks: readonly (readonly Block[])[], work: Work): boolean {
  const all = networks.reduce((sum, { length }) => sum + length, 0);
  if (networks.length < 2 || !spend(work, BLOCK_COST * all)) return false;
  // A block is named once, and not for each pair that it is in.
  let [shared = new Map<string, Block>(), ...others] = networks.map(byName);
  for (const blocks of others) {
    if (!spend(work, PAIR_COST * shared.size * blocks.size)) return false;
    const both = new Map<string, Block>();
    for (const [nameOfA, a] of shared) {
      for (const [nameOfB, b] of blocks) {
        if (!overlap(a, b)) continue;
        if (a.prefix >= b.prefix) both.set(nameOfA, a);
        else both.set(nameOfB, b);
      }
    }
    shared = both;
    if (shared.size === 0) return true;
  }
  return false;
}

/** Blocks, each once. Their texts would be names, too, and take five times as long to write. */
function byName(blocks: readonly Block[]): Map<string, Block> {
  return new Map(blocks.map((block) => [`${block.words.join()}/${block.prefix}`, block]));
}

/**
 * Every text that could pass, if a list or a literal glob leaves only finitely many. Texts are enough:
 * a string passes in every place in which a number or a boolean with that canonical text does.
 */
function finiteValues({ only, patterns }: Merged): readonly string[] | undefined {
  const literal = patterns.find((pattern) => !pattern.includes("*"));
  return only ?? (literal === undefined ? undefined : [literal]);
}

function allFail(caveats: readonly AttributeCaveat[], values: readonly string[], work: Work): boolean {
  let left = values;
  for (const caveat of caveats) {
    if (!spend(work, denialCost(caveat))) return false;
    const denied = deniedBy(caveat);
    left = left.filter((value) => mismatch(caveat, denied, value, work) === undefined);
    // Refused for want of work is no proof.
    if (work.left < 0) return false;
  }
  return left.length === 0;
}

function itemsIn(caveat: AttributeCaveat): number {
  return caveat.kind === "membership"
    ? caveat.items.length
    : caveat.kind === "network"
      ? caveat.blocks.length
      : 1;
}

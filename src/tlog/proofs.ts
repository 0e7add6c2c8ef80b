import { constantTimeEqual } from "../macaroon/index.ts";
import { splitOf } from "./blocks.ts";
import type { TreeHashing } from "./hashing.ts";

/** Leaves from `from` to before `to`, whose root is one hash of a proof. */
export interface LeafRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The subtrees of an inclusion proof (RFC 9162 §2.1.3.1), from the leaf up.
 *
 * @param index the leaf's, below `size`
 */
export function inclusionRanges(index: number, size: number): readonly LeafRange[] {
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = size;
  while (to - from > 1) {
    const middle = from + splitOf(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/**
 * The subtrees of a consistency proof (RFC 9162 §2.1.4.1), in its order.
 *
 * @param older the size of the smaller tree, from 1 to `size`
 */
export function consistencyRanges(older: number, size: number): readonly LeafRange[] {
  const ranges: LeafRange[] = [];
  let from = 0;
  let to = size;
  let isWhole = true;
  while (older < to) {
    const middle = from + splitOf(to - from);
    if (older <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
      isWhole = false;
    }
  }
  if (!isWhole) ranges.push({ from, to });
  return ranges.reverse();
}

/**
 * The subtrees that lead from a subtree to the root, from it up: an inclusion proof that begins higher than at a leaf.
 *
 * @param leaves a subtree of the tree, such as the leaves of a tile
 */
export function rangesAround({ from, to }: LeafRange, size: number): readonly LeafRange[] {
  return inclusionRanges(from, size).filter((range) => range.from >= to || range.to <= from);
}

/**
 * The root that an inclusion proof leads to (RFC 9162 §2.1.3.2).
 *
 * @returns undefined for a proof that is none: a leaf outside the tree, or too few or too many hashes
 */
export function rootFromInclusion(
  hashing: TreeHashing,
  { index, size, leaf }: { readonly index: number; readonly size: number; readonly leaf: Uint8Array },
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  return rootFromSubtree(hashing, { from: index, to: index + 1, size, hash: leaf }, proof);
}

/**
 * The root that the proof of a subtree leads to. @see rangesAround
 *
 * @returns undefined for a proof that is none
 */
export function rootFromSubtree(
  hashing: TreeHashing,
  subtree: LeafRange & { readonly size: number; readonly hash: Uint8Array },
  proof: readonly Uint8Array[],
): Uint8Array | undefined {
  const { from, to, size } = subtree;
  if (!isCount(from) || !isCount(size) || from >= to || to > size) return undefined;
  const ranges = rangesAround({ from, to }, size);
  if (ranges.length !== proof.length) return undefined;
  let { hash } = subtree;
  for (const [at, range] of ranges.entries()) {
    const other = proof[at] as Uint8Array;
    hash = range.from > from ? hashing.node(hash, other) : hashing.node(other, hash);
  }
  return hash;
}

/** A tree that somebody has seen. */
export interface SeenTree {
  readonly size: number;
  readonly root: Uint8Array;
}

/** Whether a consistency proof shows that the newer tree begins with the older one (RFC 9162 §2.1.4.2). */
export function isConsistent(
  hashing: TreeHashing,
  older: SeenTree,
  newer: SeenTree,
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(older.size) || !isCount(newer.size) || older.size > newer.size) return false;
  if (older.size === newer.size) return proof.length === 0 && constantTimeEqual(older.root, newer.root);
  if (older.size === 0) return proof.length === 0 && constantTimeEqual(older.root, hashing.empty());
  const ranges = consistencyRanges(older.size, newer.size);
  if (ranges.length !== proof.length) return false;
  // Where the older tree is one whole subtree of the newer one, its root is known and is not in the proof.
  const [first] = ranges;
  const startsInside = first !== undefined && first.to <= older.size;
  let at = startsInside ? 1 : 0;
  let old = startsInside ? (proof[0] as Uint8Array) : older.root;
  let now = old;
  for (; at < ranges.length; at++) {
    const other = proof[at] as Uint8Array;
    if ((ranges[at] as LeafRange).to <= older.size) {
      old = hashing.node(other, old);
      now = hashing.node(other, now);
    } else now = hashing.node(now, other);
  }
  return constantTimeEqual(old, older.root) && constantTimeEqual(now, newer.root);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

import type { TreeHashing } from "./hashing.ts";

/** The whole subtree of the leaves from `index * 2^level` on, as many as `2^level`. */
export interface Block {
  readonly level: number;
  readonly index: number;
}

/** The largest power of two below a number that is 2 or more. */
export function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/**
 * The fewest whole subtrees that make up the leaves from `from` to before `to`, from left to right.
 *
 * @example
 * blocksOf(0, 7); // [{ level: 2, index: 0 }, { level: 1, index: 2 }, { level: 0, index: 6 }]
 */
export function blocksOf(from: number, to: number): readonly Block[] {
  const blocks: Block[] = [];
  let at = from;
  while (at < to) {
    let level = 0;
    let size = 1;
    while (at % (size * 2) === 0 && at + size * 2 <= to) {
      size *= 2;
      level += 1;
    }
    blocks.push({ level, index: at / size });
    at += size;
  }
  return blocks;
}

/** The hash of subtrees that get smaller from left to right, which is the root of the leaves that they hold. */
export function foldBlocks(hashing: TreeHashing, hashes: readonly Uint8Array[]): Uint8Array {
  let hash = hashes.at(-1);
  if (hash === undefined) return hashing.empty();
  for (let at = hashes.length - 2; at >= 0; at--) hash = hashing.node(hashes[at] as Uint8Array, hash);
  return hash;
}

/**
 * A tree that grows from left to right, of which only the subtrees at its edge are kept.
 *
 * @example
 * const edge = growingEdge(hashing);
 * edge.push(hashing.leaf(entry));
 * edge.root();
 */
export function growingEdge(hashing: TreeHashing) {
  const stack: { readonly level: number; readonly hash: Uint8Array }[] = [];
  let size = 0;
  return {
    /** The leaves so far. */
    size: () => size,
    /**
     * Adds a whole subtree at the right, a leaf unless its level is said.
     *
     * @returns whether such a subtree fits there
     */
    push(hash: Uint8Array, level = 0): boolean {
      const width = 2 ** level;
      if (size % width !== 0) return false;
      size += width;
      let top = { level, hash };
      for (let last = stack.at(-1); last?.level === top.level; last = stack.at(-1)) {
        stack.pop();
        top = { level: top.level + 1, hash: hashing.node(last.hash, top.hash) };
      }
      stack.push(top);
      return true;
    },
    root: (): Uint8Array =>
      foldBlocks(
        hashing,
        stack.map(({ hash }) => hash),
      ),
  };
}

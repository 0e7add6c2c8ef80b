import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { blocksOf, growingEdge } from "../../src/tlog/blocks.ts";
import {
  consistencyRanges,
  inclusionRanges,
  isConsistent,
  type LeafRange,
  rangesAround,
  rootFromInclusion,
  rootFromSubtree,
} from "../../src/tlog/proofs.ts";
import {
  CONSISTENCIES,
  fromHex,
  hashing,
  hex,
  INCLUSIONS,
  LEAVES,
  ROOTS,
  slowRoot,
  someLeaves,
} from "./vectors.ts";

const leaves = LEAVES.map((leaf) => hashing.leaf(fromHex(leaf)));
const root = (size: number) => fromHex(ROOTS[size - 1] ?? "");
const roots = (all: readonly Uint8Array[], ranges: readonly LeafRange[]) =>
  ranges.map(({ from, to }) => slowRoot(all.slice(from, to)));

describe("the vectors of Certificate Transparency", () => {
  test("the empty tree", () => {
    expect(hex(hashing.empty())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test.each(ROOTS.map((expected, at) => ({ size: at + 1, expected })))(
    "the root of $size",
    ({ size, expected }) => {
      const edge = growingEdge(hashing);
      for (const leaf of leaves.slice(0, size)) edge.push(leaf);
      expect([edge.size(), hex(edge.root()), hex(slowRoot(leaves.slice(0, size)))]).toEqual([
        size,
        expected,
        expected,
      ]);
    },
  );

  test.each(INCLUSIONS)("the inclusion of leaf %i among %i", (index, size, proof) => {
    expect(roots(leaves, inclusionRanges(index, size)).map(hex)).toEqual(proof);
    const leaf = leaves[index] as Uint8Array;
    expect(hex(rootFromInclusion(hashing, { index, size, leaf }, proof.map(fromHex)) ?? leaf)).toBe(
      ROOTS[size - 1],
    );
  });

  test.each(CONSISTENCIES)("the consistency of %i with %i", (older, newer, proof) => {
    expect(roots(leaves, consistencyRanges(older, newer)).map(hex)).toEqual(proof);
    const trees = [older, newer].map((size) => ({ size, root: root(size) })) as [never, never];
    expect(isConsistent(hashing, ...trees, proof.map(fromHex))).toBe(true);
  });
});

const sizes = fc.integer({ min: 1, max: 600 }).chain((size) =>
  fc.record({
    size: fc.constant(size),
    index: fc.nat({ max: size - 1 }),
    older: fc.integer({ min: 1, max: size }),
  }),
);
const all = someLeaves(600);

test("every proof leads to the root, and no other bytes do", () => {
  fc.assert(
    fc.property(sizes, fc.nat(), ({ size, index, older }, noise) => {
      const tree = all.slice(0, size);
      const proof = roots(tree, inclusionRanges(index, size));
      const expected = hex(slowRoot(tree));
      const leaf = all[index] as Uint8Array;
      const reach = (path: readonly Uint8Array[], at = index, of = leaf) => {
        const reached = rootFromInclusion(hashing, { index: at, size, leaf: of }, path);
        return reached && hex(reached);
      };
      expect(reach(proof)).toBe(expected);
      expect(reach([...proof, leaf])).toBeUndefined();
      expect(reach(proof, size)).toBeUndefined();
      if (size > 1) expect(reach(proof, (index + 1) % size)).not.toBe(expected);
      if (proof.length > 0) {
        expect(reach(proof.slice(1))).toBeUndefined();
        const changed = proof.map((hash) => new Uint8Array(hash));
        const hash = changed[noise % changed.length] as Uint8Array;
        hash[noise % 32] = (hash[noise % 32] ?? 0) ^ 1;
        expect(reach(changed)).not.toBe(expected);
      }

      const old = { size: older, root: slowRoot(all.slice(0, older)) };
      const now = { size, root: slowRoot(tree) };
      const path = roots(tree, consistencyRanges(older, size));
      expect(isConsistent(hashing, old, now, path)).toBe(true);
      expect(isConsistent(hashing, { ...old, root: leaf }, now, path)).toBe(older === 1 && index === 0);
      expect(isConsistent(hashing, old, { ...now, root: hashing.empty() }, path)).toBe(false);
      expect(isConsistent(hashing, old, now, [...path, leaf])).toBe(false);
    }),
    { numRuns: 60 },
  );
});

test("a part of the tree leads to the root as a leaf does", () => {
  for (const size of [1, 255, 256, 257, 300, 512, 513, 600]) {
    const tree = all.slice(0, size);
    for (let from = 0; from < size; from += 256) {
      const to = Math.min(size, from + 256);
      const proof = roots(tree, rangesAround({ from, to }, size));
      const reached = rootFromSubtree(
        hashing,
        { from, to, size, hash: slowRoot(tree.slice(from, to)) },
        proof,
      );
      expect(reached && hex(reached), `${from} of ${size}`).toBe(hex(slowRoot(tree)));
    }
  }
});

test("a range is made of whole subtrees, side by side", () => {
  fc.assert(
    fc.property(fc.nat({ max: 5_000 }), fc.nat({ max: 5_000 }), (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      let at = from;
      for (const { level, index } of blocksOf(from, to)) {
        expect(index * 2 ** level).toBe(at);
        at += 2 ** level;
      }
      expect(at).toBe(to);
    }),
  );
});

test("a subtree is added only where one of its size can begin", () => {
  const edge = growingEdge(hashing);
  expect([edge.push(hashing.empty(), 1), edge.push(hashing.empty()), edge.push(hashing.empty(), 1)]).toEqual([
    true,
    true,
    false,
  ]);
});

import type { TreeNode } from "../../domain/tree-service.ts";

/** A part of a tree that is shown, with the parts that are folded away right below it. */
export interface ShownNode {
  readonly node: TreeNode;
  readonly children: readonly ShownNode[];
  /** Undefined if everything below is shown. */
  readonly folded: Folded | undefined;
}

/** Parts of a tree that are not shown one by one. */
export interface Folded {
  readonly parts: number;
  readonly allowed: number;
  readonly refused: number;
}

/** A part under way: its children in the order of their calls, and how many of them are shown. */
interface Open {
  readonly node: TreeNode;
  readonly children: readonly TreeNode[];
  readonly shown: Open[];
}

/**
 * Chooses the parts of a tree that are shown: level by level, of each part the children with the most calls first, so that one part with
 * very many children does not push out all others.
 *
 * @param most parts that are shown in all
 * @param abreast children of one part that are shown
 */
export function fold(root: TreeNode, most: number, abreast: number): ShownNode {
  const sums = sumsOf(root);
  const callsOf = (node: TreeNode) => {
    const sum = sums.get(node);
    return sum === undefined ? 0 : sum.allowed + sum.refused;
  };
  const open = (node: TreeNode): Open => ({
    node,
    children: [...node.children].sort((a, b) => callsOf(b) - callsOf(a)),
    shown: [],
  });

  const first = open(root);
  const all = [first];
  for (let at = 0; at < all.length && all.length < most; at++) {
    const one = all[at] as Open;
    for (const child of one.children.slice(0, Math.min(abreast, most - all.length))) {
      const opened = open(child);
      one.shown.push(opened);
      all.push(opened);
    }
  }

  const made = new Map<Open, ShownNode>();
  for (const one of all.toReversed()) {
    const hidden = one.children.slice(one.shown.length).flatMap((child) => sums.get(child) ?? []);
    const children = one.shown.flatMap((child) => made.get(child) ?? []);
    made.set(one, {
      node: one.node,
      children,
      folded: hidden.length === 0 ? undefined : hidden.reduce(plus),
    });
  }
  return made.get(first) as ShownNode;
}

function plus(a: Folded, b: Folded): Folded {
  return { parts: a.parts + b.parts, allowed: a.allowed + b.allowed, refused: a.refused + b.refused };
}

/** The sums over each part and all below it. Without recursion: a chain is as deep as a token has caveats. */
function sumsOf(root: TreeNode): ReadonlyMap<TreeNode, Folded> {
  const all = [root];
  for (let at = 0; at < all.length; at++) for (const child of (all[at] as TreeNode).children) all.push(child);
  const sums = new Map<TreeNode, Folded>();
  for (const node of all.toReversed()) {
    const own = { parts: 1, allowed: node.allowed, refused: node.refused };
    sums.set(node, node.children.flatMap((child) => sums.get(child) ?? []).reduce(plus, own));
  }
  return sums;
}

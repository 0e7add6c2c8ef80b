import type { TokenTree } from "../../domain/tree-service.ts";
import { fold, type ShownNode } from "./fold.ts";
import {
  budgetsLine,
  CLAIMS,
  callsLine,
  caveatsLine,
  foldedLine,
  headLine,
  nameOf,
  revokedLine,
} from "./words.ts";

/** Parts that an outline has, and children of one part. */
const MOST = 2_000;
const ABREAST = 256;

/** Outlines a tree in plain text, for screen readers and terminals: a line for each part, children indented. */
export function outlineOf(tree: TokenTree): string {
  const lines = [headLine(tree), CLAIMS, ""];
  const open: { readonly shown: ShownNode; readonly depth: number }[] = [
    { shown: fold(tree.root, MOST, ABREAST), depth: 0 },
  ];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { shown, depth } = next;
    const { node, children, folded } = shown;
    const indent = "  ".repeat(depth);
    lines.push(`${indent}- ${nameOf(node)} (${callsLine(node)}; link ${node.revocationId})`);
    const revoked = revokedLine(node);
    if (revoked !== undefined) lines.push(`${indent}  ${revoked}`);
    if (node.caveats.length > 0) lines.push(`${indent}  ${caveatsLine(node)}`);
    if (node.budgets.length > 0) lines.push(`${indent}  ${budgetsLine(node)}`);
    if (folded !== undefined) lines.push(`${indent}  … ${foldedLine(folded)}`);
    for (const child of children.toReversed()) open.push({ shown: child, depth: depth + 1 });
  }
  return `${lines.join("\n")}\n`;
}

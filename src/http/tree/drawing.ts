import { createHash } from "node:crypto";
import { type HierarchyPointNode, hierarchy, tree as tidy } from "d3-hierarchy";

import type { TokenTree, TreeNode } from "../../domain/tree-service.ts";
import { type Folded, fold, type ShownNode } from "./fold.ts";
import {
  budgetsLine,
  CLAIMS,
  callsLine,
  caveatsLine,
  foldedLine,
  headLine,
  nameOf,
  revokedLine,
  shortCalls,
  shortCaveats,
  shortRevoked,
} from "./words.ts";

/** Parts that are drawn, and children of one part. */
const MOST = 200;
const ABREAST = 48;

// Pixels.
const WIDE = 344;
const HIGH = 66;
const GAP = 14;
const SPAN = 56;
const MARGIN = 24;
const HEAD = 78;

/** Characters of a line in a box. */
const NAME_FITS = 40;
const LINE_FITS = 44;

// No quotes and no angle brackets: the same text in the drawing and in the hash.
const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1b1b1b; --soft: #555; --issued: #2a7; --claim: #c60;
  --dead: #777; --deadfill: #eee; --no: #b01; --line: #8a8a8a; }
@media (prefers-color-scheme: dark) { :root { --paper: #181818; --ink: #eee; --soft: #bbb; --issued: #3c8;
  --claim: #e93; --dead: #999; --deadfill: #2b2b2b; --no: #f67; --line: #777; } }
.paper { fill: var(--paper); }
text { font: 12px ui-monospace, monospace; fill: var(--ink); }
.head { font: 600 15px system-ui, sans-serif; }
.note, .soft { fill: var(--soft); }
.note { font: 13px system-ui, sans-serif; }
.name { font-weight: 700; font-size: 13px; }
.way { fill: none; stroke: var(--line); stroke-width: 1.5; }
.box { fill: var(--paper); stroke: var(--claim); stroke-width: 1.5; stroke-dasharray: 5 3; }
.issued .box { stroke: var(--issued); stroke-width: 2; stroke-dasharray: none; }
.dead .box { fill: var(--deadfill); stroke: var(--dead); }
.dead text { fill: var(--dead); }
.dead .name { text-decoration: line-through; }
.dead .why { fill: var(--no); }
.more .box { stroke: var(--line); stroke-dasharray: 1 3; }
`;

/** Nothing but this very style is loaded; no script runs, though nobody could have written one. */
export const DRAWING_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "sandbox",
].join("; ");

/** A box of the drawing: a part, or those that are folded away below one. */
interface Box {
  readonly node: TreeNode | undefined;
  readonly folded: Folded | undefined;
  readonly children: readonly Box[];
}

function boxOf({ node, children, folded }: ShownNode): Box {
  const boxes = children.map(boxOf);
  return {
    node,
    folded: undefined,
    children: folded === undefined ? boxes : [...boxes, { node: undefined, folded, children: [] }],
  };
}

/**
 * Draws a tree as SVG, from left to right. All texts of holders and authors are escaped, and cut to their boxes; each
 * stands whole in the box's tooltip.
 */
export function drawingOf(tree: TokenTree): string {
  const root = tidy<Box>()
    .nodeSize([HIGH + GAP, WIDE + SPAN])
    .separation(() => 1)(hierarchy(boxOf(fold(tree.root, MOST, ABREAST))));
  const all = root.descendants();
  const top = all.reduce((least, { x }) => Math.min(least, x), 0);
  const bottom = all.reduce((most, { x }) => Math.max(most, x), 0);
  const right = all.reduce((most, { y }) => Math.max(most, y), 0);
  const width = Math.max(right + WIDE + 2 * MARGIN, 760);
  const height = bottom - top + HIGH + HEAD + 2 * MARGIN;
  const at = ({ x, y }: HierarchyPointNode<Box>) => ({ left: y + MARGIN, top: x - top + HEAD + MARGIN });
  const dead = all.filter(({ data }) => data.node !== undefined && data.node.revoked !== null).length;
  const about = `${all.length} boxes, ${dead} of them revoked. ${CLAIMS} Ask for text/plain to have it as an outline.`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title about">`,
    `<title id="title">${escaped(headLine(tree))}</title><desc id="about">${escaped(about)}</desc>`,
    `<style>${STYLE}</style><rect class="paper" width="${width}" height="${height}"/>`,
    `<text class="head" x="${MARGIN}" y="34">${escaped(headLine(tree))}</text>`,
    `<text class="note" x="${MARGIN}" y="58">${escaped(`${CLAIMS} Grey is revoked.`)}</text>`,
    ...all.flatMap((one) => (one.parent === null ? [] : [way(at(one.parent), at(one))])),
    ...all.map((one) => drawn(one.data, at(one))),
    "</svg>\n",
  ].join("\n");
}

interface Place {
  readonly left: number;
  readonly top: number;
}

function way(from: Place, to: Place): string {
  const [x1, y1, x2, y2] = [from.left + WIDE, from.top + HIGH / 2, to.left, to.top + HIGH / 2];
  const middle = (x1 + x2) / 2;
  return `<path class="way" d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}"/>`;
}

function drawn({ node, folded }: Box, { left, top }: Place): string {
  const box = `<rect class="box" width="${WIDE}" height="${HIGH}" rx="6"/>`;
  if (node === undefined) {
    const text = folded === undefined ? "" : foldedLine(folded);
    return `<g class="more" transform="translate(${left} ${top})">${box}${line("soft", 38, `… ${text}`)}</g>`;
  }
  const revoked = revokedLine(node);
  const kind = [node.placed === "issued" ? "issued" : "claimed", ...(revoked === undefined ? [] : ["dead"])];
  const all = [
    nameOf(node),
    callsLine(node),
    revoked,
    caveatsLine(node),
    budgetsLine(node),
    `link ${node.revocationId}`,
  ];
  const tooltip = all.filter((text) => text !== undefined && text !== "").join("\n");
  const last =
    revoked === undefined ? line("soft", 57, shortCalls(node)) : line("why", 57, shortRevoked(node) ?? "");
  return [
    `<g class="${kind.join(" ")}" transform="translate(${left} ${top})"><title>${escaped(tooltip)}</title>${box}`,
    line("name", 20, nameOf(node), NAME_FITS),
    line("caveats", 39, shortCaveats(node)),
    `${last}</g>`,
  ].join("");
}

function line(kind: string, y: number, text: string, fits = LINE_FITS): string {
  const letters = [...text];
  const shown = letters.length <= fits ? text : `${letters.slice(0, fits - 1).join("")}…`;
  return `<text class="${kind}" x="10" y="${y}">${escaped(shown)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for XML: of characters that XML has no form for, nothing is left. */
function escaped(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}

/** The tree for people: folded where it is large, drawn without overlaps, and never with a holder's text as markup. */
import { describe, expect, test } from "vitest";

import type { TokenTree, TreeNode } from "../../src/domain/tree-service.ts";
import { drawingOf } from "../../src/http/tree/drawing.ts";
import { fold, type ShownNode } from "../../src/http/tree/fold.ts";
import { outlineOf } from "../../src/http/tree/outline.ts";
import { TREE } from "../support/fake-service.ts";

let nodes = 0;
function node(
  agent: string | null,
  children: readonly TreeNode[] = [],
  more: Partial<TreeNode> = {},
): TreeNode {
  return {
    ...TREE.root,
    revocationId: `${++nodes}`.padStart(21, "A").concat("A"),
    agent,
    placed: agent === null ? "issued" : "handed_over",
    caveats: agent === null ? ["action = read"] : [`agent = ${agent}`],
    allowed: 1,
    children,
    ...more,
  };
}
const of = (root: TreeNode): TokenTree => ({ ...TREE, root });
const crowd = (name: string, many: number) => Array.from({ length: many }, (_, n) => node(`${name}-${n}`));
const count = ({ children }: ShownNode): number => 1 + children.reduce((sum, child) => sum + count(child), 0);

/** The places of all boxes of a drawing. */
function boxes(svg: string) {
  const found = svg.matchAll(/<g class="[^"]+" transform="translate\(([\d.-]+) ([\d.-]+)\)">/g);
  return [...found].map(([, left, top]) => ({ left: Number(left), top: Number(top) }));
}

describe("folding", () => {
  test("leaves a small tree whole", () => {
    const shown = fold(node(null, [node("a", crowd("b", 3))]), 200, 48);
    expect(count(shown)).toBe(5);
    expect(shown.folded).toBeUndefined();
  });

  test("of one part with very many children shows those with the most calls, and counts the others", () => {
    const busy = node("busy", [], { allowed: 50, refused: 2 });
    const shown = fold(node(null, [...crowd("a", 100), busy]), 200, 10);
    expect(shown.children.map(({ node: { agent } }) => agent)[0]).toBe("busy");
    expect(shown.children).toHaveLength(10);
    expect(shown.folded).toEqual({ parts: 91, allowed: 91, refused: 0 });
  });

  test("shows so many in all, upper levels first", () => {
    const shown = fold(node(null, [node("a", crowd("c", 40)), node("b", crowd("d", 40))]), 30, 48);
    expect(count(shown)).toBe(30);
    expect(shown.children).toHaveLength(2);
  });

  test("a chain as deep as a token has caveats is no trouble", () => {
    let chain = node("last");
    for (let depth = 0; depth < 255; depth++) chain = node(`a-${depth}`, [chain]);
    expect(outlineOf(of(chain)).split("\n").length).toBeGreaterThan(256);
    expect(boxes(drawingOf(of(chain)))).toHaveLength(201);
  });
});

describe("the drawing", () => {
  test("of 200 parts has no two boxes over each other", () => {
    const places = boxes(
      drawingOf(
        of(
          node(
            null,
            [1, 2, 3, 4].map((n) => node(`a${n}`, crowd(`b${n}`, 48))),
          ),
        ),
      ),
    );
    expect(places).toHaveLength(197);
    const columns = new Map<number, number[]>();
    for (const { left, top } of places) columns.set(left, [...(columns.get(left) ?? []), top]);
    for (const tops of columns.values()) {
      tops.sort((a, b) => a - b);
      for (const [n, top] of tops.slice(1).entries()) expect(top - (tops[n] ?? 0)).toBeGreaterThanOrEqual(66);
    }
  });

  test("says what is dead, by whom and why, and what nobody knows more of", () => {
    const svg = drawingOf(TREE);
    expect(svg.match(/class="claimed dead"/g)).toHaveLength(2);
    expect(svg).toContain("revoked by its platform: it left the sandbox");
    expect(svg).toContain('class="issued"');
  });

  test("holds no holder's text as markup, and nothing that XML cannot hold", () => {
    const evil = `</text><script>alert(1)</script>"'&\u0000\u0008\ufffe\ud800\u202e`;
    const reason = TREE.root.children[0]?.revoked?.facts;
    if (reason === undefined) throw new Error("the sample is not revoked");
    const revoked = { revocationId: "x", facts: { ...reason, reason: evil } };
    const svg = drawingOf(of(node(null, [node("a", [], { caveats: [evil], revoked })])));
    for (const never of ["<script", "\0", "\b", "\ufffe", "\u202e"]) expect(svg).not.toContain(never);
    expect(svg.isWellFormed()).toBe(true);
    expect(svg).toContain("&lt;/text&gt;&lt;script&gt;");
    const tags = [...svg.matchAll(/<(\/?)([a-z]+)[^>]*?(\/?)>/g)];
    const open: string[] = [];
    for (const [, closes, name = "", empty] of tags) {
      if (closes === "/") expect(open.pop()).toBe(name);
      else if (empty !== "/") open.push(name);
    }
    expect(open).toEqual([]);
  });
});

test("the outline says the same in words", () => {
  expect(outlineOf(TREE)).toBe(`Token ${TREE.tokenId}, as verify saw it until 2026-11-22 13:01 UTC
The first part is what this service issued. Every name and caveat below it is what a holder claims.

- issued (3 allowed, 0 refused, last 2026-11-22 13:00 UTC; link q83vEjRWeJCrze8SNFZ4kA)
  time < 2026-11-22T14:00:00.125Z · action in read, list
  - orchestrator#1 (2 allowed, 1 refused, last 2026-11-22 13:00 UTC; link ASNFZ4mrze8BI0VniavN7w)
    revoked by its platform: it left the sandbox (2026-11-22 13:00 UTC)
    agent = orchestrator#1 · uses <= 3
    uses <= 3: 1 left
    - researcher (no call of its own; link MzMzMzMzMzMzMzMzMzMzMw)
      revoked
      agent = researcher
`);
});

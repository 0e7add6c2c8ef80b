import { describe, expect, test } from "vitest";

import { findMutants } from "./find.ts";
import { applyEdits } from "./mutant.ts";
import { parse } from "./syntax.ts";

/** Every text that one change makes of a source. */
function mutated(text: string): readonly string[] {
  return findMutants("file.ts", text).map(({ edits }) => applyEdits(text, edits));
}

const IN_TEMPLATE = "$" + "{b}";

describe("what is broken", () => {
  test.each<[string, readonly string[]]>([
    ["const a = b < c;", ["const a = ((b )<= (c));", "const a = ((b )>= (c));"]],
    ["const a = b /* x */ === c;", ["const a = ((b /* x */ )!== (c));"]],
    // The grouping stays: `b && c || d` would be another expression than `(b || c) && d`.
    ["const a = (b || c) && d;", ["const a = (((b || c) )|| (d));", "const a = (((b )&& (c))) && d;"]],
    ["const a = b ?? c;", ["const a = ((b )&& (c));"]],
    ["a += 1;", ["{}", "a -= 1;", "a += 2;"]],
    ["for (;;) a++;", ["for (;;) {}", "for (;;) a--;"]],
    ["const a = !b;", ["const a = b;"]],
    ["const a = b ? c : d;", ["const a = true ? c : d;", "const a = false ? c : d;"]],
    ["while (a) continue;", ["while (false) continue;", "while (a) {}"]],
    ["const a = [0x10, 2n];", ["const a = [];", "const a = [17, 2n];", "const a = [0x10, 3n];"]],
    [
      'const a = ["", "b", true];',
      [
        "const a = [];",
        'const a = ["mutant", "b", true];',
        'const a = ["", "", true];',
        'const a = ["", "b", false];',
      ],
    ],
    [`const a = \`b${IN_TEMPLATE}\`;`, ["const a = ``;"]],
    ["const a = b?.c;", ["const a = b.c;"]],
    ["const a = b.every(c).toString();", ["const a = b.some(c).toString();"]],
    ["const a = b.trim();", ["const a = b;"]],
    ["const a = { b: c };", ["const a = {};"]],
    ["const a = b instanceof C;", ["const a = !(b instanceof C);"]],
    [
      "const a = /^[a-z]+$/u;",
      ["const a = /[a-z]+$/u;", "const a = /^[a-z]+/u;", "const a = /^[a-z]*$/u;", "const a = /^[^a-z]+$/u;"],
    ],
    [
      "function a() { if (b) return c; return d; }",
      [
        "function a() { if (true) return c; return d; }",
        "function a() { if (false) return c; return d; }",
        "function a() { if (b) {} return d; }",
      ],
    ],
  ])("%s", (text, expected) => {
    const all = mutated(text);
    expect([...all].sort()).toEqual([...expected].sort());
    for (const one of all) expect(() => parse("file.ts", one)).not.toThrow();
  });
});

describe("what is left alone", () => {
  test.each([
    'import a from "b";',
    'export * from "b";',
    'type A = "a" | 1;',
    "interface A { readonly b: 1 }",
    "declare const a: 1;",
    "const { a } = b;",
    'const a = b as "c";',
    'const a = new DomainError(code, "a sentence for people");',
    `const a = malformed(\`more than ${IN_TEMPLATE} caveats\`);`,
  ])("%s", (text) => expect(mutated(text)).toEqual([]));

  test("the code of an error is no sentence", () => {
    expect(mutated('const a = new DomainError("not_found", "no such token");')).toEqual([
      'const a = new DomainError("", "no such token");',
    ]);
  });
});

test("a mutant is known by its text and its change, and by its number where both are the same", () => {
  const found = findMutants("file.ts", "const a = [1, 2];\nconst b = [1, 1];\n");
  expect(found.filter(({ line }) => line === 2)).toMatchObject([
    { change: "`[1, 1]` → `[]`", text: "const b = [1, 1];", nth: 1, column: 11 },
    { change: "`1` → `2`", text: "const b = [1, 1];", nth: 1, column: 12 },
    { change: "`1` → `2`", text: "const b = [1, 1];", nth: 2, column: 15 },
  ]);
});

test("edits may not overlap", () => {
  const edits = [
    { start: 0, end: 2, text: "" },
    { start: 1, end: 3, text: "" },
  ];
  expect(() => applyEdits("abcd", edits)).toThrow("overlap");
});

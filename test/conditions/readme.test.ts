import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { parseTerms } from "../../src/conditions/parse.ts";
import { printTerms } from "../../src/conditions/print.ts";

const README = readFileSync(join(import.meta.dirname, "../../src/conditions/README.md"), "utf8");

function texts(marker: string): readonly string[] {
  const from = README.indexOf(`<!-- ${marker} -->\n`);
  const table = README.slice(from, README.indexOf("\n\n", from));
  return [...table.matchAll(/^\| `([^`]+)` +\|/gm)].map(([, text]) => text ?? "");
}

describe("the README of the conditions", () => {
  const examples = texts("examples");
  const refused = texts("refused");

  test("has examples of both kinds", () => {
    expect(examples.length).toBeGreaterThan(5);
    expect(refused.length).toBeGreaterThan(5);
  });

  test.each(examples)("%s is read, and written as it stands there", (text) => {
    const reading = parseTerms(text);
    expect(reading.ok && [...printTerms(reading.terms)].sort().join("")).toBe([...text].sort().join(""));
  });

  test.each(refused)("%s is refused", (text) => {
    expect(parseTerms(text).ok).toBe(false);
  });
});

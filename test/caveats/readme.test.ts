import { readFileSync } from "node:fs";

import { describe, expect, test } from "vitest";
import { parseInstant } from "../../src/caveats/values/instant.ts";
import { parseJson } from "../../src/json/parse.ts";
import { clearTexts } from "./texts.ts";

const README = readFileSync(new URL("../../src/caveats/README.md", import.meta.url), "utf8");
const NOW = parseInstant("2026-11-20T12:00:00Z") ?? expect.fail("no time");
const CODES = { passes: undefined, fails: "caveat_failed", unknown: "caveat_unknown" } as const;

const examples = Array.from(
  README.matchAll(/^\| `([^`]+)` +\| `(\{[^`]*\})` +\| (passes|fails|unknown) +\|$/gm),
  ([, caveat = "", context = "", outcome = ""]) => ({
    caveat,
    context,
    outcome: outcome as keyof typeof CODES,
  }),
);

describe("the examples of the reference", () => {
  test("are all found", () => {
    const section = README.split("## Examples")[1]?.split("\n## ")[0] ?? "";
    expect(examples).toHaveLength(section.split("\n").filter((line) => line.startsWith("| `")).length);
    expect(examples.length).toBeGreaterThan(20);
  });

  test.each(examples)("$caveat with $context: $outcome", ({ caveat, context, outcome }) => {
    const value = parseJson(context);
    if (!(value instanceof Map)) return expect.fail("no object");
    const { failures } = clearTexts([caveat], {
      now: NOW,
      context: value,
      cost: new Map(),
      macaroon: "root",
    });
    expect(failures[0]?.code).toBe(CODES[outcome]);
  });
});

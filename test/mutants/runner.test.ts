/** The runner itself, with mutants of which it is known how they end. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { ROOT, read } from "./areas.ts";
import { createCompiler } from "./compiles.ts";
import { findMutants } from "./find.ts";
import type { Mutant } from "./mutant.ts";
import { type Outcome, tryAll } from "./try.ts";
import { createWorkers } from "./workers.ts";

const FILE = "test/mutants/fixture/count.ts";
const mutants = findMutants(FILE, read(FILE));

function mutantOf(text: string, change: string): Mutant {
  const found = mutants.find((mutant) => mutant.text === text && mutant.change === change);
  if (found === undefined) throw new Error(`no ${change} in ${text}`);
  return found;
}

const NEGATIVE = "if (limit < 0) return 0;";
const LOOP = "while (count < limit) count++;";
const MODE = 'export const MODE: "strict" = "strict";';
const EXPECTED: readonly (readonly [mutant: Mutant, outcome: Outcome])[] = [
  [mutantOf(LOOP, "`<` → `<=`"), "killed"],
  [mutantOf(LOOP, "`count++;` → nothing"), "killed"],
  [mutantOf(NEGATIVE, "`return 0;` → nothing"), "alive"],
  [mutantOf(NEGATIVE, "`<` → `<=`"), "equivalent"],
  [mutantOf("return limit - 1;", "`-` → `+`"), "unreached"],
  [mutantOf(MODE, '`"strict"` → `""`'), "refused"],
];

describe("mutants of a small file", () => {
  const workers = createWorkers(1);
  const compiler = createCompiler();
  const ended = new Map<Mutant, Outcome>();
  const reasons: (string | undefined)[] = [];
  beforeAll(async () => {
    const tests = ["test/mutants/fixture/count.trial.ts"];
    const listed = {
      [FILE]: [{ text: NEGATIVE, changes: ["`<` → `<=`"], reason: "counting to 0 gives 0 anyway" }],
    };
    await tryAll(
      { workers, compiler },
      EXPECTED.map(([mutant]) => ({ mutant, tests, sources: [FILE] })),
      listed,
      (mutant, outcome, by) => {
        ended.set(mutant, outcome);
        reasons.push(by);
      },
    );
  });
  afterAll(() => {
    workers.stop();
    compiler.close();
  });

  test.each(EXPECTED)("$change is $1", (mutant, outcome) => expect(ended.get(mutant)).toBe(outcome));

  test("a loop without end is ended, and a test that failed is named", () => {
    expect(reasons).toContain("endless");
    expect(reasons).toContain("test/mutants/fixture/count.trial.ts: counts");
  });

  test("the file on the disk is as it was", () => {
    expect(readFileSync(join(ROOT, FILE), "utf8")).toBe(read(FILE));
  });
});

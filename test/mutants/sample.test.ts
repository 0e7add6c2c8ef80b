import { expect, test } from "vitest";

import { findMutants } from "./find.ts";
import { sample } from "./sample.ts";

const mutants = findMutants(
  "file.ts",
  Array.from({ length: 200 }, (_, index) => `const a${index} = b + c * d - ${index};\n`).join(""),
);

test("a seed draws the same mutants again, and another seed others", () => {
  expect(sample(mutants, 50, 7)).toEqual(sample(mutants, 50, 7));
  expect(sample(mutants, 50, 7)).not.toEqual(sample(mutants, 50, 8));
});

test("a line is drawn once, and every line at last", () => {
  expect(new Set(sample(mutants, 50, 7).map(({ line }) => line)).size).toBe(50);
  expect(sample(mutants, 1_000, 7)).toHaveLength(200);
});

test("any mutant of a line may be drawn", () => {
  const changes = Array.from({ length: 40 }, (_, seed) =>
    sample(
      mutants.filter(({ line }) => line === 1),
      1,
      seed,
    ),
  );
  expect(new Set(changes.flat().map(({ change }) => change))).toEqual(
    new Set(mutants.filter(({ line }) => line === 1).map(({ change }) => change)),
  );
});

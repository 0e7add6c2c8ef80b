import { expect, test } from "vitest";

import { AREAS, matching, read } from "./areas.ts";
import { readEquivalents } from "./equivalents.ts";
import { findMutants } from "./find.ts";

const listed = readEquivalents();

test("what is listed as changing nothing is still there", () => {
  const sources = new Set(AREAS.flatMap((area) => matching(area.sources)));
  const stale = Object.entries(listed).flatMap(([file, entries]) => {
    if (!sources.has(file)) return [`${file} is no source that is mutated`];
    const mutants = findMutants(file, read(file));
    return entries.flatMap(({ text, changes, nth }) =>
      changes
        .filter(
          (change) =>
            !mutants.some(
              (mutant) =>
                mutant.text === text && mutant.change === change && (nth === undefined || mutant.nth === nth),
            ),
        )
        .map((change) => `${file}: no ${change} in: ${text}`),
    );
  });
  expect(stale).toEqual([]);
});

import { expect, test } from "vitest";

import { createClockCheck } from "../../src/domain/replica/clock-check.ts";

const TOLERANCE = 30_000;

test.each([
  { name: "the same instant", before: 0, database: 0, after: 0, agree: true },
  { name: "at the tolerance ahead", before: 30_000, database: 0, after: 30_000, agree: true },
  { name: "past it ahead", before: 30_001, database: 0, after: 30_001, agree: false },
  { name: "at the tolerance behind", before: 0, database: 30_000, after: 0, agree: true },
  { name: "past it behind", before: 0, database: 30_001, after: 0, agree: false },
  { name: "a read that took a minute", before: 0, database: 1_000, after: 60_000, agree: true },
  {
    name: "a minute's read of a clock that is behind",
    before: 0,
    database: -30_001,
    after: 60_000,
    agree: false,
  },
  {
    name: "a clock that was set back while it was read",
    before: 0,
    database: 10,
    after: -40_000,
    agree: false,
  },
  { name: "a clock that is no number", before: 0, database: Number.NaN, after: 0, agree: false },
])("$name: agree $agree", ({ before, database, after, agree }) => {
  let now = before;
  const clocks = createClockCheck({ now: () => now, monotonic: () => 0 }, TOLERANCE);
  expect(clocks.problem()).toBeUndefined();
  const compare = clocks.begin();
  now = after;
  compare(database);
  const problem = "this replica's clock and the database's differ by more than 30 s";
  expect(clocks.problem()).toBe(agree ? undefined : problem);
  now = 0;
  clocks.begin()(0);
  expect(clocks.problem()).toBeUndefined();
});

import { expect, test } from "vitest";

import { beginTimeSlice } from "../../src/domain/parts/time-slice.ts";
import { createManualClock } from "./manual.ts";

test("a slice is over once it has lasted longer than it may, and the next one begins after everybody's turn", async () => {
  const { clock, advance } = createManualClock();
  const slice = beginTimeSlice(clock, 10);
  advance(10);
  expect(slice.isOver()).toBe(false);
  advance(1);
  expect(slice.isOver()).toBe(true);

  let others = 0;
  setImmediate(() => {
    others += 1;
    advance(5);
  });
  await slice.next();
  expect(others).toBe(1);
  advance(10);
  expect(slice.isOver()).toBe(false);
  advance(1);
  expect(slice.isOver()).toBe(true);
});

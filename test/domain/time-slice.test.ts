import { expect, test } from "vitest";

import { beginTimeSlice, mapInSlices, mapInTurns } from "../../src/domain/parts/time-slice.ts";
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

test("shares that begin in one turn of the event loop have little together, and in the next one as much again", async () => {
  const { clock, advance } = createManualClock();
  const begun = Array.from({ length: 5 }, () => {
    const slice = beginTimeSlice(clock);
    const isOver = slice.isOver();
    advance(1);
    return { slice, isOver };
  });
  expect(begun.map(({ isOver }) => isOver)).toEqual([false, false, false, false, true]);
  const last = begun.at(-1);
  await last?.slice.next();
  expect(last?.slice.isOver()).toBe(false);
  await new Promise(setImmediate);
  expect(beginTimeSlice(clock).isOver()).toBe(false);
});

test.each([
  [10, 1],
  [11, 2],
  [95, 10],
])("of %i items ten are worked on in one turn", async (count, expected) => {
  let turn = 0;
  let stopped = false;
  const tick = () => {
    turn++;
    if (!stopped) setImmediate(tick);
  };
  tick();
  const items = Array.from({ length: count }, (_, index) => index);
  const turns = await mapInTurns(items, 10, (item, index) => {
    expect(item).toBe(index);
    return turn;
  });
  stopped = true;
  const perTurn = Map.groupBy(turns, (each) => each);
  expect(perTurn.size).toBe(expected);
  for (const together of perTurn.values()) expect(together.length).toBeLessThanOrEqual(10);
});

test("items are worked on in slices, as long as the clock says", async () => {
  const { clock, advance } = createManualClock();
  let turn = 0;
  let stopped = false;
  const tick = () => {
    turn++;
    if (!stopped) setImmediate(tick);
  };
  tick();
  const turns = await mapInSlices([1, 2, 3, 4, 5, 6], clock, () => {
    advance(1);
    return turn;
  });
  stopped = true;
  expect([...Map.groupBy(turns, (each) => each).values()].map(({ length }) => length)).toEqual([2, 2, 2]);
});

import { expect, test } from "vitest";

import { createTurns } from "../../src/http/fast/turns.ts";

/** The ends of this turn of the event loop and of the next. */
async function twoTurns(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
}

test("all is begun before anything is ended, each in order", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  for (const name of ["a", "b", "c"]) {
    turns.begin(() => {
      seen.push(`begin ${name}`);
      // What needs no waiting for anything else is done by the same turn's end, however many promises it takes.
      void (async () => {
        for (let hop = 0; hop < 20; hop++) await undefined;
        turns.end(() => seen.push(`end ${name}`));
      })();
    });
  }
  expect(seen).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(["begin a", "begin b", "begin c", "end a", "end b", "end c"]);
});

test("what is done late is ended late, and holds nobody up", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  let release = () => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  turns.begin(() => void wait.then(() => turns.end(() => seen.push("slow"))));
  turns.begin(() => turns.end(() => seen.push("fast")));
  await twoTurns();
  expect(seen).toEqual(["fast"]);
  release();
  await twoTurns();
  expect(seen).toEqual(["fast", "slow"]);
});

test("what begins while others end has its own turn", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  turns.end(() => {
    seen.push("first");
    turns.begin(() => turns.end(() => seen.push("second")));
  });
  await twoTurns();
  await twoTurns();
  expect(seen).toEqual(["first", "second"]);
});

test("what begins while others begin is not left for the next request to find", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  turns.begin(() => {
    seen.push("first");
    turns.begin(() => seen.push("second"));
  });
  await twoTurns();
  await twoTurns();
  expect(seen).toEqual(["first", "second"]);
});

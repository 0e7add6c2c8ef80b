import fc from "fast-check";
import { expect, test } from "vitest";

import { createTreeLimit } from "../../src/domain/parts/tree-limit.ts";

const BURST = 512;

function createCase(burst = BURST) {
  const time = { passed: 0 };
  const limit = createTreeLimit({
    clock: { monotonic: () => time.passed },
    perSecond: 1,
    burst,
    maxTrees: 100,
  });
  let made = 0;
  return {
    time,
    limit,
    fresh: () => `fresh ${made++}`,
    /** Takes for these ways in turn until all are refused. */
    flood(ways: readonly (() => readonly string[])[], most = 10_000): number {
      let count = 0;
      for (let refused = 0, at = 0; refused < ways.length && count < most; at++) {
        const taken = limit.take(ways[at % ways.length]?.() ?? []);
        count += taken ? 1 : 0;
        refused = taken ? 0 : refused + 1;
      }
      return count;
    },
  };
}

const chain = (length: number) => Array.from({ length }, (_, n) => `link ${n}`);

test("the tree itself has it all, and one a second then", () => {
  const { limit, time, flood } = createCase();
  expect(flood([() => ["tree"]])).toBe(BURST);
  time.passed += 10_000;
  expect(flood([() => ["tree"]])).toBeGreaterThanOrEqual(9);
  expect(flood([() => ["tree"]])).toBe(0);
  expect(limit.take(["another"])).toBe(true);
});

test("however much is taken below a link, links above it and beside it can take, at every depth", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 254 }),
      fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      fc.nat(6),
      (depth, below, victim, deeper) => {
        const { limit, flood, fresh } = createCase();
        const held = ["tree", ...chain(depth)];
        flood(below.map((count) => () => [...held, ...Array.from({ length: count }, fresh)]));
        const above = held.slice(0, 1 + (victim % depth)); // a link above the held one, or the tree
        const beside = [...above, ...Array.from({ length: deeper }, fresh)];
        expect(limit.take(beside)).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test("what has taken much waits for longer than what stands beside it and has taken little", () => {
  const { limit, time, flood, fresh } = createCase();
  const held = ["tree", ...chain(30)];
  const beside = [...held.slice(0, -1), "beside"];
  const below = [() => [...held, fresh()]];
  flood(below);
  for (let n = 0; n < 8; n++) {
    let waited = 0;
    for (; !limit.take(beside); waited += 100) {
      time.passed += 100;
      flood(below);
    }
    expect(waited).toBeLessThanOrEqual(3_000);
  }
});

test("several beside each other leave room for one more", () => {
  const { limit, time, flood, fresh } = createCase();
  const ways = Array.from({ length: 8 }, (_, n) => () => ["tree", `branch ${n}`, fresh()]);
  flood(ways);
  for (let second = 0; second < 600; second++) {
    time.passed += 1_000;
    flood(ways);
  }
  const newcomer = () => ["tree", "newcomer", fresh()];
  expect(flood([newcomer])).toBeGreaterThanOrEqual(BURST / 25 / 2);
  expect(limit.take(["tree"])).toBe(true);
});

test("the whole is bounded, whatever is taken by whom", () => {
  const { time, flood, fresh } = createCase(64);
  const ways = [1, 2, 3, 10, 200].map((depth) => () => ["tree", ...Array.from({ length: depth }, fresh)]);
  let count = flood(ways);
  expect(count).toBeLessThanOrEqual(64);
  for (let second = 0; second < 300; second++) {
    time.passed += 1_000;
    count += flood(ways);
  }
  expect(count).toBeLessThanOrEqual(64 + 300);
});

test("a link that is alone has some room at every depth", () => {
  for (const depth of [1, 5, 50, 255])
    expect(createCase().flood([() => ["tree", ...chain(depth)]])).toBeGreaterThanOrEqual(31);
});

test("a refusal costs nothing, and what came to nothing is given back", () => {
  const { limit, flood } = createCase(10);
  const way = ["tree", "link"];
  expect(flood([() => way])).toBe(7);
  for (let n = 0; n < 100; n++) expect(limit.take(way)).toBe(false);
  limit.giveBack(way);
  expect(limit.take(way)).toBe(true);
  expect(limit.take(way)).toBe(false);
  for (let n = 0; n < 100; n++) limit.giveBack(["tree", "link"]);
  expect(flood([() => way])).toBe(7);
});

test("what was longest unused is forgotten, and never a link that goes on", () => {
  const { limit, flood, fresh } = createCase();
  const deep = () => ["tree", "link", ...Array.from({ length: 250 }, fresh)];
  const taken = flood([deep]);
  expect(taken).toBeLessThanOrEqual(384);
  expect(flood([deep])).toBe(0);
  for (let n = 0; n < 500; n++) limit.take([`tree ${n}`, ...chain(250)]);
  expect(flood([deep])).toBe(0);
  for (let n = 0; n < 1_001; n++) limit.take([`tree ${n}`, ...chain(250)]);
  expect(flood([deep])).toBeGreaterThan(0); // longest unused among so many
});

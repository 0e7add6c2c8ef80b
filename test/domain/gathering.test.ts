import { setImmediate as eventLoopTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { createGathering, type Outcome, outcomeOf } from "../../src/domain/parts/gathering.ts";
import { createGate } from "../support/service-steps.ts";

const done = (job: number): Outcome<string> => ({ ok: true, value: `done ${job}` });

/** A gathering whose groups are written down, and wait at a gate. */
function watched(
  settings: {
    readonly atOnce?: number;
    readonly room?: number;
    readonly lane?: (job: number) => readonly string[];
  } = {},
  run: (jobs: readonly number[]) => readonly Outcome<string>[] = (jobs) => jobs.map(done),
) {
  const groups: (readonly number[])[] = [];
  const gate = createGate();
  const gathered = createGathering({
    atOnce: 1,
    room: 100,
    weigh: (job: number) => job,
    ...settings,
    async run(jobs) {
      groups.push(jobs);
      await gate.opened;
      return run(jobs);
    },
  });
  return { groups, gate, gathered };
}

/** Two turns of the event loop: in the first a group is taken. */
async function turn(): Promise<void> {
  await eventLoopTurn();
  await eventLoopTurn();
}

test("whoever comes alone goes alone, and at once", async () => {
  const { groups, gate, gathered } = watched();
  const answer = gathered(1);
  await turn();
  expect(groups).toEqual([[1]]);
  gate.open();
  expect(await answer).toBe("done 1");
});

test("those who come while others are under way go together, in their order, and are answered after their group", async () => {
  const { groups, gate, gathered } = watched();
  const first = gathered(1);
  await turn();
  const later = [2, 3, 4].map(gathered);
  await turn();
  expect(groups).toEqual([[1]]);
  gate.open();
  expect(await Promise.all([first, ...later])).toEqual(["done 1", "done 2", "done 3", "done 4"]);
  expect(groups).toEqual([[1], [2, 3, 4]]);
});

test.each([
  {
    what: "as many as have room",
    jobs: [40, 40, 40, 40],
    groups: [
      [40, 40],
      [40, 40],
    ],
  },
  { what: "one that is too large by itself", jobs: [500, 1, 2], groups: [[500], [1, 2]] },
  { what: "nobody ahead of who came before", jobs: [60, 60, 10], groups: [[60], [60, 10]] },
])("a group takes $what", async ({ jobs, groups: expected }) => {
  const { groups, gate, gathered } = watched();
  gate.open();
  await Promise.all(jobs.map(gathered));
  expect(groups).toEqual(expected);
});

test("lanes have their turns, and a group begins where the one before it had no room left", async () => {
  const { groups, gate, gathered } = watched({ lane: (job) => [String(job % 10)] });
  gate.open();
  await Promise.all([21, 31, 41, 51, 22, 32, 33, 61, 34].map(gathered));
  expect(groups).toEqual([[21, 22, 33], [34, 31, 32], [41, 51], [61]]);
});

test("many lanes within one have one turn together", async () => {
  const { groups, gate, gathered } = watched({
    room: 50,
    lane: (job) => [String(job % 10), String(Math.floor(job / 10) % 2)],
  });
  gate.open();
  await Promise.all([1, 11, 21, 31, 2, 12, 3].map(gathered));
  expect(groups).toEqual([[1, 2, 3, 11, 12, 21], [31]]);
});

test("no more groups are under way than may be", async () => {
  const { groups, gate, gathered } = watched({ atOnce: 2 });
  const answers: Promise<string>[] = [];
  for (const job of [1, 2, 3, 4]) {
    answers.push(gathered(job));
    await turn();
  }
  expect(groups).toEqual([[1], [2]]);
  gate.open();
  await Promise.all(answers);
  expect(groups.slice(2).flat()).toEqual([3, 4]);
});

test("one that is refused fails alone", async () => {
  const refuse = (job: number) =>
    outcomeOf(() => {
      if (job === 2) throw new DomainError("forbidden", "not this one");
      return `done ${job}`;
    });
  const { gate, gathered } = watched({}, (jobs) => jobs.map(refuse));
  gate.open();
  const [one, two, three] = await Promise.allSettled([1, 2, 3].map(gathered));
  expect(one).toMatchObject({ value: "done 1" });
  expect(two).toMatchObject({ reason: { code: "forbidden" } });
  expect(three).toMatchObject({ value: "done 3" });
});

test("a fault of the whole group is tried one by one, so that only its cause fails", async () => {
  const { groups, gate, gathered } = watched({}, (jobs) => {
    if (jobs.includes(2)) throw new Error("a fault");
    return jobs.map(done);
  });
  gate.open();
  const [one, two, three] = await Promise.allSettled([1, 2, 3].map(gathered));
  expect(groups).toEqual([[1, 2, 3], [1], [2], [3]]);
  expect(one).toMatchObject({ value: "done 1" });
  expect(two).toMatchObject({ reason: { message: "a fault" } });
  expect(three).toMatchObject({ value: "done 3" });
});

test("a group that was not answered is not repeated: it may have been done", async () => {
  const { groups, gate, gathered } = watched({}, () => {
    throw new DomainError("unavailable", "no answer");
  });
  gate.open();
  const results = await Promise.allSettled([1, 2, 3].map(gathered));
  expect(groups).toEqual([[1, 2, 3]]);
  for (const result of results) expect(result).toMatchObject({ reason: { code: "unavailable" } });
  await expect(gathered(4)).rejects.toMatchObject({ code: "unavailable" }); // and it goes on
});

test("whatever is asked for and whatever fails, everyone gets their own answer, once", async () => {
  const jobs = fc.array(fc.record({ weight: fc.nat(60), fails: fc.boolean(), pause: fc.nat(3) }), {
    maxLength: 40,
  });
  await fc.assert(
    fc.asyncProperty(jobs, fc.integer({ min: 1, max: 3 }), async (all, atOnce) => {
      let most = 0;
      let underWay = 0;
      const ran: number[] = [];
      const gathered = createGathering({
        atOnce,
        room: 100,
        weigh: (job: number) => all[job]?.weight ?? 0,
        async run(group) {
          expect(group.length).toBeGreaterThan(0);
          underWay += 1;
          most = Math.max(most, underWay);
          ran.push(...group);
          await new Promise(setImmediate);
          underWay -= 1;
          return group.map((job) =>
            all[job]?.fails === true ? { ok: false, error: new Error(`${job}`) } : done(job),
          );
        },
      });
      const answers = all.map(async ({ pause }, job) => {
        for (let n = 0; n < pause; n++) await new Promise(setImmediate);
        return gathered(job);
      });
      const settled = await Promise.allSettled(answers);
      for (const [job, { fails }] of all.entries()) {
        expect(settled[job]).toMatchObject(
          fails ? { reason: { message: `${job}` } } : { value: `done ${job}` },
        );
      }
      expect(ran.toSorted((a, b) => a - b)).toEqual(all.map((_, job) => job));
      expect(most).toBeLessThanOrEqual(atOnce);
    }),
    { numRuns: 50 },
  );
});

test("a large group is answered in portions, with turns for everybody else in between", async () => {
  const { gate, gathered } = watched();
  const answeredIn: number[] = [];
  let turns = 0;
  let stopped = false;
  const tick = () => {
    turns++;
    if (!stopped) setImmediate(tick);
  };
  const first = gathered(1);
  await turn();
  const all = Array.from({ length: 90 }, () => gathered(1).then(() => answeredIn.push(turns)));
  gate.open();
  setImmediate(tick);
  await Promise.all([first, ...all]);
  stopped = true;
  const portions = [...Map.groupBy(answeredIn, (at) => at).values()].map(({ length }) => length);
  expect(Math.max(...portions)).toBeLessThanOrEqual(16);
});

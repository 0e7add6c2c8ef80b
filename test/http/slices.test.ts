import { expect, test } from "vitest";

import { as, createTestApp, read } from "./app.ts";

/** Milliseconds by a clock that goes on at each look: every share of the process is used up at once. */
const RACING = 5;

/** Counts the turns of the event loop while something is done. */
async function turnsOf<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly turns: number }> {
  let turns = 0;
  let stopped = false;
  const tick = () => {
    turns++;
    if (!stopped) setImmediate(tick);
  };
  setImmediate(tick);
  const result = await work();
  stopped = true;
  return { result, turns };
}

function appWithRacingClock() {
  let monotonic = 0;
  return createTestApp(
    {},
    { clock: { now: () => Date.UTC(2026, 10, 22), monotonic: () => (monotonic += RACING) } },
  );
}

const question = (values: number) => ({ token: "t", context: { a: Array(values).fill("aaaaaaaaaaaaa") } });

test("a body up to 64 KiB is read in one piece, a larger one a few thousand values a turn", async () => {
  const { send } = appWithRacingClock();
  const ask = (values: number) => turnsOf(() => send("POST", "/v1/verify", question(values), as("platform")));
  await ask(1); // the first request loads code
  const small = await ask(4_000);
  const large = await ask(60_000);
  expect([small.result.status, large.result.status]).toEqual([200, 200]);
  // 64 KiB of these values are 4,096, and what a step reads and what it decodes are half of that.
  expect(large.turns - small.turns).toBeGreaterThan(25);
});

test("the items of a batch are read and answered in turns", async () => {
  const { send } = appWithRacingClock();
  const ask = (count: number) =>
    turnsOf(() =>
      send("POST", "/v1/verify/batch", { requests: Array(count).fill(question(1)) }, as("platform")),
    );
  await ask(1);
  const few = await ask(1);
  const many = await ask(500);
  expect(await read<{ results: unknown[] }>(many.result)).toMatchObject({ results: { length: 500 } });
  expect(many.turns - few.turns).toBeGreaterThan(2 * 490);
});

test("the targets of a revocation are read in turns, and the one at fault is named", async () => {
  const { send, calls } = appWithRacingClock();
  const revoke = (targets: readonly object[]) =>
    turnsOf(() => send("POST", "/v1/revocations", { targets }, as("administrator")));
  await revoke([{ platform: "default" }]);
  const few = await revoke([{ platform: "default" }]);
  const many = await revoke(Array(500).fill({ platform: "default" }));
  expect(many.result.status).toBe(200);
  expect(many.turns - few.turns).toBeGreaterThan(490);

  const before = calls.length;
  const wrong = await revoke([{ platform: "default" }, { agent: "a", nothing: 1 }]);
  expect(await read(wrong.result)).toMatchObject({
    status: 400,
    member: "targets[1].nothing",
    detail: "targets[1].nothing is not a member of this request",
  });
  expect(calls).toHaveLength(before);
});

test("the rules of a policy are read and answered in turns, and the one at fault is named", async () => {
  const { send } = appWithRacingClock();
  const put = (rules: readonly object[]) =>
    turnsOf(() => send("PUT", "/v1/platforms/default/policy", { rules }, as("administrator")));
  await put([{ max_ttl: 60 }]);
  const few = await put([{ max_ttl: 60 }]);
  const many = await put(Array(500).fill({ max_ttl: 60 }));
  expect(many.result.status).toBe(200);
  expect(many.turns - few.turns).toBeGreaterThan(490);
  const wrong = await put([{ max_ttl: 60 }, { max_ttl: 60, groups: [1] }]);
  expect(await read(wrong.result)).toMatchObject({ status: 400, member: "rules[1].groups[0]" });
  const crowd = await put(Array(1_001).fill({ max_ttl: 60 }));
  expect(await read(crowd.result)).toMatchObject({
    status: 400,
    detail: "rules must have at most 1000 items",
  });
  const within = await send(
    "POST",
    "/v1/platforms",
    { name: "shop", policy: { rules: [{}] } },
    as("administrator"),
  );
  expect(await read(within)).toMatchObject({ status: 400, member: "policy.rules[0].max_ttl" });
});

test.each([
  [
    "an object of over 100 members where none of them is known",
    { token: "t", ...Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`a${i}`, 1])) },
    "more than 100 members",
  ],
  [
    "a context of over 65,536 values",
    { token: "t", context: { a: Array(65_537).fill(1) } },
    "context must have at most 65536 values",
  ],
])("an item of a batch with %s is refused, and no other", async (_, item, detail) => {
  const { send } = createTestApp();
  const answer = await send("POST", "/v1/verify/batch", { requests: [item, question(1)] }, as("platform"));
  const { results } = await read<{ results: object[] }>(answer);
  expect(results).toMatchObject([{ code: "invalid_request", detail }, { allowed: expect.any(Boolean) }]);
});

test("a string of a batch has at most as many characters as the body of one question", async () => {
  const { send } = createTestApp();
  const ask = (length: number) =>
    send(
      "POST",
      "/v1/verify/batch",
      { requests: [{ token: "a".repeat(length), context: {} }] },
      as("platform"),
    );
  expect((await ask(1024 * 1024)).status).toBe(200);
  const refused = await ask(1024 * 1024 + 1);
  expect(await read(refused)).toMatchObject({ status: 400, member: "requests[0].token" });
});

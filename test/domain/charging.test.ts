import { expect, test } from "vitest";

import { createCharging } from "../../src/domain/budget/charging.ts";
import { createReservations } from "../../src/domain/budget/reservations.ts";
import { createBudgetTurns } from "../../src/domain/budget/turns.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import type { BudgetCall, BudgetOutcome } from "../../src/domain/ports/budgets.ts";
import { unwatchedSteps } from "../../src/run/system.ts";
import { TOKEN_BUDGETS } from "../../src/words/limits.ts";
import { createGate } from "../support/service-steps.ts";

const PASSED: BudgetOutcome = {
  passed: true,
  repeated: false,
  mismatched: false,
  replayed: false,
  reservation: undefined,
  left: [],
};
const draw = {
  link: new Uint8Array(16),
  most: "9",
  takes: "1",
  window: undefined,
  endsAt: undefined,
} as const;
const call = (draws = 0): BudgetCall => ({ draws: Array(draws).fill(draw), dry: false });
const drawsOf = (calls: readonly BudgetCall[]) => calls.reduce((sum, { draws }) => sum + draws.length, 0);

const platform = (name: string) =>
  ({
    kind: "service",
    role: "platform",
    platform: name,
    credentialId: "",
    links: ["link"],
    narrowed: [],
    resource: undefined,
    refuses: () => undefined,
  }) as const;

/**
 * Charging and settling on a store whose groups are written down, and wait at the gate of their platform. What is
 * settled is a group without calls.
 */
function watched(connections: number, failing: ReadonlySet<string> = new Set()) {
  const groups: { readonly platform: string; readonly calls: readonly BudgetCall[] }[] = [];
  const gates = new Map<string, ReturnType<typeof createGate>>();
  const gate = (platform: string) => {
    const made = gates.get(platform) ?? createGate();
    gates.set(platform, made);
    return made;
  };
  let now = 0;
  async function reach(platform: string, calls: readonly BudgetCall[]): Promise<void> {
    groups.push({ platform, calls });
    await gate(platform).opened;
    if (failing.has(platform)) throw new DomainError("unavailable", "the database did not answer");
  }
  const clock = { monotonic: () => now };
  const store = {
    budgets: {
      dropEnded: async () => {},
      reservation: async (_: string, id: string) => ({
        id,
        state: "open" as const,
        cost: {},
        settled: null,
        expiresAt: 1,
        resource: null,
      }),
      async settle(platform: string) {
        await reach(platform, []);
        return { outcome: "unknown" } as const;
      },
      async charge(platform: string, calls: readonly BudgetCall[]) {
        await reach(platform, calls);
        return calls.map(() => PASSED);
      },
    },
  };
  const steps = unwatchedSteps;
  const budgetTurns = createBudgetTurns({ connections });
  const charging = createCharging({ store, clock, budgetTurns, steps });
  const charge = (platform: string, one: BudgetCall, tree = "tree", person = "person") =>
    charging(platform, one, { person, tree });
  const reservations = createReservations({ store, clock, budgetTurns, steps });
  const settle = (name: string) => reservations.settle(platform(name), "id", new Map());
  function pass(milliseconds: number): void {
    now += milliseconds;
  }
  /** Waits until so many groups are under way or done. */
  const begun = (count: number) => expect.poll(() => groups.length).toBe(count);
  return { groups, begun, gate, charge, settle, pass };
}

test("calls of one platform that come meanwhile go together; another's wait for none of them", async () => {
  const { groups, begun, gate, charge } = watched(10);
  const calls = Array.from({ length: 4 }, () => call());
  const answers = calls.slice(0, 1).map((one) => charge("a", one));
  await begun(1);
  answers.push(...calls.slice(1).map((one) => charge("a", one)));
  gate("b").open();
  expect(await charge("b", call())).toBe(PASSED);
  expect(groups.map(({ platform }) => platform)).toEqual(["a", "b"]);
  gate("a").open();
  expect(await Promise.all(answers)).toEqual(calls.map(() => PASSED));
  expect(groups[2]?.calls).toEqual(calls.slice(1));
});

test("all platforms together take half of the connections, in turn", async () => {
  const { groups, begun, gate, charge } = watched(4);
  const answers = ["a", "b", "c", "d"].map((platform) => charge(platform, call()));
  await begun(2);
  expect(groups.map(({ platform }) => platform)).toEqual(["a", "b"]);
  gate("b").open();
  await answers[1];
  await begun(3);
  expect(groups.map(({ platform }) => platform)).toEqual(["a", "b", "c"]);
  for (const platform of "acd") gate(platform).open();
  expect(await Promise.all(answers)).toEqual([PASSED, PASSED, PASSED, PASSED]);
});

test("one connection is enough", async () => {
  const { gate, charge } = watched(1);
  gate("a").open();
  gate("b").open();
  expect(await Promise.all([charge("a", call()), charge("b", call())])).toEqual([PASSED, PASSED]);
});

test("a call that has waited for too long is not charged any more, and those behind it are", async () => {
  const { groups, begun, gate, charge, pass } = watched(10);
  const first = charge("a", call());
  await begun(1);
  const late = charge("a", call());
  const refused = expect(late).rejects.toMatchObject({ code: "unavailable" });
  pass(6_000);
  const fresh = charge("a", call());
  gate("a").open();
  expect(await first).toBe(PASSED);
  await refused;
  expect(await fresh).toBe(PASSED);
  expect(groups.map(({ calls }) => calls.length)).toEqual([1, 1]);
});

test("a store that does not answer is an answer for nobody, and its turn goes on to the next", async () => {
  const { gate, charge } = watched(2, new Set(["a"]));
  gate("a").open();
  gate("b").open();
  await expect(Promise.all([charge("a", call()), charge("a", call())])).rejects.toMatchObject({
    code: "unavailable",
  });
  expect(await charge("b", call())).toBe(PASSED);
});

test("a platform settles one reservation at a time, in the same line as it charges", async () => {
  const { groups, begun, gate, charge, settle } = watched(4);
  const settled = Promise.allSettled(Array.from({ length: 9 }, () => settle("a")));
  await begun(1);
  const charged = charge("a", call());
  gate("b").open();
  expect(await charge("b", call())).toBe(PASSED);
  expect(groups.map(({ platform }) => platform)).toEqual(["a", "b"]);
  gate("a").open();
  expect(await charged).toBe(PASSED);
  await settled;
  expect(groups.map(({ calls }) => calls.length)).toEqual([0, 1, ...Array(8).fill(0), 1]);
});

test("what waits for too long is not settled any more", async () => {
  const { groups, begun, gate, settle, pass } = watched(10);
  const first = expect(settle("a")).rejects.toMatchObject({ code: "not_found" });
  await begun(1);
  const late = expect(settle("a")).rejects.toMatchObject({ code: "unavailable" });
  pass(6_000);
  gate("a").open();
  await Promise.all([first, late]);
  expect(groups).toHaveLength(1);
});

test("one tree's calls keep another tree of the same platform waiting for no more than one group", async () => {
  const { groups, begun, gate, charge } = watched(10);
  const hot = Array.from({ length: 100 }, () => call(TOKEN_BUDGETS));
  const answers = hot.map((one) => charge("a", one, "hot"));
  await begun(1);
  const others = [call(1), call(2), call(3)];
  answers.push(...others.map((one, index) => charge("a", one, `tree ${index}`)));
  gate("a").open();
  await Promise.all(answers);
  for (const one of others) expect(groups[1]?.calls).toContain(one);
  expect(groups.flatMap(({ calls }) => calls).filter(({ draws }) => draws.length === TOKEN_BUDGETS)).toEqual(
    hot,
  );
});

test("a person's trees, however many, keep another person waiting for no more than one group", async () => {
  const { groups, begun, gate, charge } = watched(10);
  const answers = Array.from({ length: 200 }, (_, n) =>
    charge("a", call(TOKEN_BUDGETS), `tree ${n}`, "loud"),
  );
  await begun(1);
  const others = [call(1), call(2), call(3)];
  answers.push(...others.map((one, index) => charge("a", one, "tree", `person ${index}`)));
  gate("a").open();
  await Promise.all(answers);
  for (const one of others) expect(groups[1]?.calls).toContain(one);
});

test("a group draws on no more counters than eight of the largest calls", async () => {
  const { groups, gate, charge } = watched(10);
  gate("a").open();
  await Promise.all(Array.from({ length: 50 }, (_, n) => charge("a", call(TOKEN_BUDGETS), `tree ${n % 7}`)));
  for (const { calls } of groups) expect(drawsOf(calls)).toBeLessThanOrEqual(8 * TOKEN_BUDGETS);
  expect(groups).toHaveLength(7);
});

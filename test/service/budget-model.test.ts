/** Budgets beside a plain account of them, on two replicas over one database: any tree, any costs, any order of calls. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { systemClock } from "../../src/run/system.ts";
import { openStore } from "../../src/storage/open.ts";
import { usedBy } from "../drills/hundred-children.ts";
import { calmNow } from "../support/calm-clock.ts";
import { testDatabaseUrl } from "../support/database.ts";
import { timesOf } from "../support/form.ts";
import { type InProcessReplica, newFleet, platformCaller, startReplica } from "../support/replica.ts";
import {
  type Asked,
  account,
  amounts,
  ask,
  type Cost,
  compare,
  giveBack,
  leftOf,
  type Node,
  plant,
  takes,
  UNITS,
} from "./budget-model.ts";

const fleet = newFleet();
const replicas: InProcessReplica[] = [];
let url: string;
let root: string;

beforeAll(async () => {
  url = await testDatabaseUrl();
  const clock = { ...systemClock, monotonic: calmNow };
  for (let n = 0; n < 2; n++) {
    const store = await openStore({ place: { kind: "server", url }, deadline: 60_000 });
    replicas.push(await startReplica({ store, fleet, clock, staleness: 120_000 }));
  }
  root = (await replicas[0]?.issue())?.token ?? "";
});

afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  fleet.remove();
});

const replica = (n: number) => replicas[n % 2] ?? expect.fail("no replica");

const amount = fc.constantFrom(0, 1, 10, 25, 100, 250);
const cost = fc.record({ A: amount, B: amount });
const tree = fc.array(
  fc.record({
    parent: fc.nat(),
    budgets: fc.array(
      fc.record({ unit: fc.constantFrom(undefined, ...UNITS), most: fc.integer({ min: 0, max: 800 }) }),
      { maxLength: 3 },
    ),
  }),
  { minLength: 1, maxLength: 7 },
);
const on = { node: fc.nat(), replica: fc.nat({ max: 1 }) };
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("call"), ...on, cost }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("dry"), ...on, cost }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("reserve"), ...on, cost }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("named"), ...on, cost, id: fc.nat({ max: 2 }) }) },
  // Of what was reserved, so many hundredths of each unit; or all of it back.
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("settle"),
      replica: on.replica,
      which: fc.nat(),
      share: fc.option(fc.integer({ min: 0, max: 100 })),
    }),
  },
);

let families = 0;
/** A tree of a family of its own, whose counters begin at nothing. */
function newTree(shape: Parameters<typeof plant>[1]): readonly Node[] {
  families += 1;
  const common = { parent: 0, budgets: [{ unit: undefined, most: 100_000 + families * 100 }] };
  const [, top] = plant({ token: root, counters: [] }, [common]);
  return plant(top ?? expect.fail("no family"), shape);
}

const pick = (nodes: readonly Node[], at: number) => nodes[at % nodes.length] ?? expect.fail("no node");

const spentOf = (reserved: Cost, share: number): Cost =>
  Object.fromEntries(
    Object.entries(reserved).map(([unit, most]) => [unit, Math.floor((most * share) / 100)]),
  );

async function settle(on: number, id: string, spent: Cost | undefined): Promise<void> {
  const { reservations } = replica(on).composed.service;
  const caller = platformCaller("default");
  await (spent === undefined
    ? reservations.release(caller, id)
    : reservations.settle(caller, id, amounts(spent)));
}

describe("[postgres] budgets on two replicas", () => {
  test("answer as a plain account does, call by call, and what is settled was charged at that", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.array(step, { minLength: 5, maxLength: 25 }), async (shape, steps) => {
        const nodes = newTree(shape);
        const open: { readonly id: string; readonly asked: Asked }[] = [];
        const named = new Map<string, string>();
        for (const one of steps) {
          if (one.kind === "settle") {
            const [found] = open.splice(one.which % Math.max(open.length, 1), 1);
            if (found === undefined) continue;
            const spent = one.share === null ? undefined : spentOf(found.asked.cost, one.share);
            await settle(one.replica, found.id, spent);
            giveBack(found.asked, spent ?? {});
            continue;
          }
          const chargeId = one.kind === "named" ? `${families} ${one.id}` : undefined;
          const asked: Asked = {
            node: pick(nodes, one.node),
            cost: one.cost,
            dry: one.kind === "dry",
            reserve: one.kind === "reserve",
            chargeId,
          };
          const answer = await ask(replica(one.replica), asked);
          const said = JSON.stringify([asked.node.token, one.cost]);
          const before = named.get(chargeId ?? "");
          if (before !== undefined && before !== said) {
            expect(answer).toEqual({ kind: "mismatched" });
          } else if (before !== undefined) {
            const left = leftOf(asked.node.counters);
            expect(answer).toEqual({ kind: "allowed", left, repeated: true, reservation: undefined });
          } else {
            const expected = account(asked);
            const id = answer.kind === "allowed" ? answer.reservation : undefined;
            expect(answer).toEqual(expected.kind === "allowed" ? { ...expected, reservation: id } : expected);
            expect(id !== undefined).toBe(expected.kind === "allowed" && asked.reserve === true);
            if (id !== undefined) open.push({ id, asked });
            if (chargeId !== undefined && answer.kind === "allowed") named.set(chargeId, said);
          }
        }
        compare(nodes, await usedBy(url));
      }),
      { numRuns: timesOf(25, 8) },
    );
  });

  test("count exactly what was allowed where all calls come at once, and never more than a caveat says", async () => {
    const call = fc.record({ ...on, cost, settled: fc.option(fc.integer({ min: 0, max: 100 })) });
    await fc.assert(
      fc.asyncProperty(tree, fc.array(call, { minLength: 20, maxLength: 60 }), async (shape, calls) => {
        const nodes = newTree(shape);
        await Promise.all(
          calls.map(async ({ node: at, replica: by, cost: most, settled }) => {
            const node = pick(nodes, at);
            const asked = { node, cost: most, reserve: settled !== null };
            const answer = await ask(replica(by), asked);
            if (answer.kind !== "allowed") return;
            for (const counter of node.counters) counter.used += takes(counter, most);
            if (settled === null) return;
            const spent = spentOf(most, settled);
            await settle(by + 1, answer.reservation ?? "", spent);
            giveBack(asked, spent);
          }),
        );
        compare(nodes, await usedBy(url));
      }),
      { numRuns: timesOf(15, 5) },
    );
  });
});

/** Budgets over two replicas of one database: each with a store of its own, as on two machines. */
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { testDatabaseUrl } from "../support/database.ts";
import {
  type InProcessReplica,
  newFleet,
  openServerStore,
  person,
  platformCaller,
  startReplica,
} from "../support/replica.ts";
import { bound, bundle, createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";

const fleet = newFleet();
const replicas: InProcessReplica[] = [];
let url: string;

beforeAll(async () => {
  url = await testDatabaseUrl();
  for (let n = 0; n < 2; n++) replicas.push(await startReplica({ store: await openServerStore(url), fleet }));
  await replicas[0]?.composed.service.platforms.create(person("root", true), "shop", {
    rules: [
      {
        issuer: null,
        groups: null,
        subjects: null,
        caveats: [],
        maxTtl: 3_600,
        onBehalfOf: false,
      },
    ],
  });
});

afterAll(async () => {
  for (const replica of replicas) await replica.stop();
  fleet.remove();
});

/** What so many calls at once come to, half of them on each replica, by outcome. */
async function hammer(
  times: number,
  token: (n: number) => string,
): Promise<Readonly<Record<string, number>>> {
  const outcomes = await Promise.all(
    Array.from({ length: times }, (_, n) => replicas[n % 2]?.verifyPatiently(token(n)) ?? "nobody"),
  );
  return Object.fromEntries(
    Object.entries(Object.groupBy(outcomes, (outcome) => outcome)).map(([code, list = []]) => [
      code,
      list.length,
    ]),
  );
}

describe("[postgres] budgets of two replicas", () => {
  test("a discharge with `uses <= 1` lets exactly one of fifty calls pass", async () => {
    const third = createThirdParty();
    const token = third.require((await replicas[0]?.issue())?.token ?? "", "c");
    const whole = bundle(token, bound(token, third.discharge(tickets(token)[0] ?? "", "uses <= 1")));
    expect(await hammer(50, () => whole)).toEqual({ allowed: 1, budget_exhausted: 49 });
  });

  test("a counter that somebody holds keeps no other platform waiting, and is no answer within a bound", async () => {
    const held = narrow((await replicas[0]?.issue())?.token ?? "", "agent = held#1", "uses <= 9");
    expect(await replicas[0]?.verify(held)).toBe("allowed");
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const other = await replicas[0]?.issue("alice", "shop");
    await sql.begin(async (transaction) => {
      await transaction`select from budgets where platform = 'default' for update`;
      const waiting = [held, narrow(held, "action = read")].map((token) => replicas[0]?.verify(token));
      const { decisions } = replicas[0]?.composed.service ?? expect.fail("no replica");
      const theirs = await decisions.decide(platformCaller("shop"), {
        token: narrow(other?.token ?? "", "uses <= 1"),
        discharges: [],
        context: new Map(),
        cost: new Map(),
        chargeId: undefined,
        reserve: undefined,
        proof: undefined,
        endorsements: [],
        minSequence: undefined,
        dryRun: false,
      });
      expect(theirs.allowed).toBe(true);
      // Held still: these get their answer from the deadline alone.
      expect(await Promise.all(waiting)).toEqual(["unavailable", "caveat_failed"]);
      expect(await replicas[0]?.verify(held)).toBe("unavailable");
    });
    await sql.end();
    expect(await replicas[1]?.verifyPatiently(held)).toBe("allowed");
  });

  test("offline children share a budget and have their own: both hold to the call", async () => {
    const root = narrow((await replicas[1]?.issue())?.token ?? "", "agent = orchestrator#1", "uses <= 100");
    const children = Array.from({ length: 20 }, (_, n) => narrow(root, `agent = child#${n}`, "uses <= 8"));
    // 20 × 10 calls, of which each child may have 8 and all together 100.
    const perChild = new Map<number, number>();
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const child = n % 20;
        const outcome = await replicas[(n >> 1) % 2]?.verifyPatiently(children[child] ?? "");
        if (outcome === "allowed") perChild.set(child, (perChild.get(child) ?? 0) + 1);
        return outcome;
      }),
    );
    expect(outcomes.filter((outcome) => outcome === "allowed")).toHaveLength(100);
    expect(Math.max(...perChild.values())).toBeLessThanOrEqual(8);
  });
});

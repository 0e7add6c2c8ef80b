/** Budgets over two replicas of one database: each with a store of its own, as on two machines. */
import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import type { Store } from "../../src/domain/ports/store.ts";
import { openStore } from "../../src/storage/open.ts";
import { usedBy } from "../drills/hundred-children.ts";
import { workers } from "../revocation/hammer.ts";
import { testDatabaseUrl } from "../support/database.ts";
import { question } from "../support/question.ts";
import { type InProcessReplica, newFleet, person, platformCaller, startReplica } from "../support/replica.ts";
import { bound, bundle, createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";
import { until } from "../support/until.ts";

const fleet = newFleet();
const replicas: InProcessReplica[] = [];
let url: string;
/** The codes of failed statements. */
const states: (string | undefined)[] = [];
/** The platforms of the statements that charge, in their order. */
const charged: string[] = [];

/** A store whose charges are counted. */
async function openCounted(): Promise<Store> {
  const report = {
    failed: ({ sqlstate }: { readonly sqlstate: string | undefined }) => void states.push(sqlstate),
    unreachable: () => {},
    warn: () => {},
  };
  const store = await openStore({ place: { kind: "server", url }, deadline: 15_000, report });
  const { budgets } = store;
  const counted: Store["budgets"] = {
    ...budgets,
    charge(platform, calls) {
      charged.push(platform);
      return budgets.charge(platform, calls);
    },
  };
  return { ...store, budgets: counted };
}

beforeAll(async () => {
  url = await testDatabaseUrl();
  for (let n = 0; n < 2; n++) replicas.push(await startReplica({ store: await openCounted(), fleet }));
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
      const theirs = await decisions.decide(
        platformCaller("shop"),
        question(narrow(other?.token ?? "", "uses <= 1")),
      );
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

  test("batches on overlapping chains from 64 callers wait for each other in no circle", async () => {
    const chains = 8;
    const top = narrow((await replicas[0]?.issue())?.token ?? "", "agent = top#1", "uses <= 1500");
    const middle = Array.from({ length: 3 }, (_, n) => narrow(top, `agent = m#${n}`, "rate <= 9999/s"));
    const leaves = Array.from({ length: chains }, (_, n) =>
      narrow(middle[n % 3] ?? "", `agent = leaf#${n}`, "uses <= 150", "spend.EUR <= 140"),
    );
    const cost = new Map([
      ["EUR", { kind: "decimal", negative: false, integer: "1", fraction: "" }],
    ] as const);
    const counts: Record<string, number> = {};
    await workers(64, async (caller) => {
      // Each in an order of its own, some of them under an id that two callers have.
      const asked = leaves.map((_, at) => leaves[(at * 3 + caller) % chains] ?? "");
      const requests = (caller % 3 === 0 ? asked.toReversed() : asked).map((token, at) =>
        question(token, { cost, chargeId: at % 4 === 0 ? `${caller >> 1} ${token.slice(-40)}` : undefined }),
      );
      const { decisions } = replicas[caller % 2]?.composed.service ?? expect.fail("no replica");
      for (let turn = 0; turn < 3; turn++) {
        for (const result of await decisions.decideBatch(platformCaller("default"), requests)) {
          const code = "allowed" in result ? (result.allowed ? "allowed" : result.code) : "unavailable";
          counts[code] = (counts[code] ?? 0) + 1;
        }
      }
    });
    // On a busy machine a counter may be held for longer than anybody waits for it.
    expect(states.filter((state) => state !== "55P03")).toEqual([]);
    expect(
      Object.keys(counts)
        .filter((code) => code !== "unavailable")
        .toSorted(),
    ).toEqual(["allowed", "budget_exhausted"]);
    const used = await usedBy(url);
    expect(Math.max(...leaves.map(used))).toBeLessThanOrEqual(140);
    expect(used(top)).toBe(leaves.map(used).reduce((one, other) => one + other));
  });

  test("a platform's hot token takes no turn of another platform's", async () => {
    const hot = narrow((await replicas[0]?.issue())?.token ?? "", "agent = hot#1", "uses <= 1000000");
    const quiet = narrow((await replicas[0]?.issue("alice", "shop"))?.token ?? "", "uses <= 1000000");
    let isOver = false;
    const beside = workers(64, async (n) => {
      while (!isOver) await replicas[n % 2]?.verify(hot);
    });
    await until(() => charged.includes("default"));
    charged.length = 0;
    const { decisions } = replicas[0]?.composed.service ?? expect.fail("no replica");
    for (let call = 0; call < 60; call++) {
      const verdict = await decisions.decide(platformCaller("shop"), question(quiet));
      expect(verdict.allowed).toBe(true);
    }
    isOver = true;
    await beside;
    // Each waits for no more than is under way on the two replicas: counted, as a busy machine has no rates.
    expect(charged.filter((platform) => platform === "shop")).toHaveLength(60);
    expect(charged.filter((platform) => platform === "default").length).toBeLessThan(60 * 8);
  });
});

import { expect, test } from "vitest";

import { createGathering } from "../../src/domain/parts/gathering.ts";
import { type Bill, nextTurn, onBill, type Payer, sharedByAll } from "../../src/domain/parts/turn.ts";

/** Does long work in so many pieces, one a turn. @returns resolves once it is done */
async function long(name: string, pieces: number, done: string[]): Promise<void> {
  for (let piece = 1; piece <= pieces; piece++) {
    await nextTurn();
    done.push(name);
  }
}

function paidBy(kind: Payer["kind"], name: string): Bill {
  return { payer: { kind, name } };
}

test("of all long work in the process one piece is done in each turn of the event loop", async () => {
  const done: string[] = [];
  const all = Promise.all(["a", "b", "c"].map((name) => long(name, 3, done)));
  for (let turn = 1; turn <= 9; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve));
    expect(done.length).toBeLessThanOrEqual(turn);
  }
  await all;
  expect(done.join("")).toBe("abcabcabc");
});

test("one who has much long work under way makes nobody else's wait for more than a piece of it", async () => {
  const done: string[] = [];
  const crowd = Array.from({ length: 50 }, () =>
    onBill(paidBy("platform", "crowd"), () => long("c", 4, done)),
  );
  const other = onBill(paidBy("platform", "other"), () => long("o", 4, done));
  await other;
  expect(done.join("")).toBe("cocococo");
  await Promise.all(crowd);
});

test("strangers of many networks have no more turns together than all platforms", async () => {
  const done: string[] = [];
  const crowd = Array.from({ length: 50 }, (_, index) =>
    onBill(paidBy("network", `192.0.2.${index}`), () => long("n", 4, done)),
  );
  const platform = onBill(paidBy("platform", "shop"), () => long("p", 4, done));
  await platform;
  expect(done.join("")).toBe("npnpnpnp");
  await Promise.all(crowd);
});

test("addresses of one network are one payer", async () => {
  const done: string[] = [];
  const crowd = Array.from({ length: 50 }, (_, index) =>
    onBill(paidBy("network", `2001:db8::${index + 1}`), () => long("n", 2, done)),
  );
  const other = onBill(paidBy("network", "2001:db8:0:1::1"), () => long("o", 2, done));
  await other;
  expect(done.join("")).toBe("nono");
  await Promise.all(crowd);
});

test("a request is paid by its caller once the caller is known", async () => {
  const done: string[] = [];
  const crowd = Array.from({ length: 20 }, () =>
    onBill(paidBy("network", "192.0.2.1"), () => long("n", 9, done)),
  );
  const bill = paidBy("network", "192.0.2.1");
  const request = onBill(bill, async () => {
    await Promise.resolve();
    bill.payer = { kind: "platform", name: "shop" };
    await long("p", 3, done);
  });
  await request;
  expect(done.join("")).toBe("npnpnp");
  await Promise.all(crowd);
});

test("a group of jobs is not paid by the one that came first", async () => {
  const done: string[] = [];
  const gathered = createGathering({
    run: async (jobs: readonly number[]) => {
      await long("g", 3, done);
      return jobs.map((job) => ({ ok: true, value: job }));
    },
    weigh: () => 1,
    room: 100,
    atOnce: 1,
  });
  const crowd = Array.from({ length: 20 }, () => onBill(paidBy("person", "eve"), () => long("e", 9, done)));
  await onBill(paidBy("person", "eve"), () => gathered(1));
  expect(done.join("").replace(/^e+/, "")).toMatch(/^gegeg/);
  await Promise.all(crowd);
  expect(sharedByAll(() => 1)).toBe(1);
});

/** Counters under links: charged all or none, never over what they allow, dropped once nothing below them can pass. */
import fc from "fast-check";
import postgres from "postgres";
import { beforeAll, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { MAX_TOKEN_LIFE } from "../../src/domain/parts/lifetimes.ts";
import type { BudgetCall, BudgetDraw, BudgetOutcome } from "../../src/domain/ports/budgets.ts";
import { openStore } from "../../src/storage/open.ts";
import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { raw } from "./raw.ts";
import { bytes } from "./samples.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The outcome of a call that has no key and reserves nothing. */
const PLAIN = { repeated: false, mismatched: false, replayed: false, reservation: undefined };
let count = 0;

/** A counter that no other test has. */
function draw(most: string, more: Partial<BudgetDraw> = {}): BudgetDraw {
  count += 1;
  return {
    link: bytes(16, `link ${count}`),
    most,
    takes: "1",
    window: undefined,
    endsAt: Date.now() + HOUR,
    ...more,
  };
}

/** Outcomes without the seconds until a rate has room, which pass meanwhile. */
const withoutWaits = (outcomes: readonly BudgetOutcome[]) =>
  outcomes.map(({ left, ...rest }) => ({ ...rest, left: left.map(({ retryAfter: _, ...one }) => one) }));

const call = (...draws: readonly BudgetDraw[]): BudgetCall => ({ draws, dry: false });
const dry = (...draws: readonly BudgetDraw[]): BudgetCall => ({ draws, dry: true });

describeOnEachDatabase("budgets", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
  });

  const charge = (...calls: readonly BudgetCall[]) => db.store.budgets.charge("p", calls);
  const passed = async (...calls: readonly BudgetCall[]) =>
    (await charge(...calls)).map((outcome) => outcome.passed);
  async function left(of: BudgetDraw): Promise<string | undefined> {
    return (await charge(dry(of)))[0]?.left[0]?.remaining;
  }

  test("a counter lets pass what it allows, in the order of the calls", async () => {
    const uses = draw("3");
    expect(await passed(call(uses), call(uses))).toEqual([true, true]);
    expect(await charge(call(uses), call(uses))).toEqual([
      { ...PLAIN, passed: true, left: [{ remaining: "0", short: false, retryAfter: undefined }] },
      { ...PLAIN, passed: false, left: [{ remaining: "0", short: true, retryAfter: undefined }] },
    ]);
  });

  test("a call is charged to all of its counters or to none", async () => {
    const [wide, narrow] = [draw("10"), draw("1")];
    const spend = draw("5", { takes: "2.5" });
    expect(await passed(call(wide, narrow, spend), call(wide, narrow, spend), call(wide, spend))).toEqual([
      true,
      false,
      true,
    ]);
    expect(await Promise.all([wide, narrow, spend].map(left))).toEqual(["8", "0", "0"]);
    const [refused] = await charge(call(wide, narrow, spend));
    expect(refused?.left.map(({ short }) => short)).toEqual([false, true, true]);
  });

  test("calls that come together get what they would get one after another", async () => {
    const amount = fc
      .tuple(fc.nat({ max: 3 }), fc.constantFrom("", ".5", ".25", ".001"))
      .map(([a, b]) => `${a}${b}`);
    const counter = fc.record({
      most: fc.tuple(fc.nat({ max: 9 }), fc.constantFrom("", ".5")).map(([a, b]) => `${a}${b}`),
      window: fc.constantFrom(undefined, undefined, HOUR),
      endsAt: fc.constantFrom(undefined, Date.now() + HOUR),
    });
    const group = fc.array(fc.array(fc.tuple(fc.nat({ max: 3 }), amount), { maxLength: 3 }), {
      minLength: 2,
      maxLength: 6,
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(counter, { minLength: 4, maxLength: 4 }),
        fc.array(group, { minLength: 1, maxLength: 4 }),
        async (counters, groups) => {
          const made = () =>
            counters.map(({ most, window, endsAt }) =>
              draw(window === undefined ? most : "5", { window, endsAt }),
            );
          const [ones, others] = [made(), made()];
          const callOf = (all: readonly BudgetDraw[], draws: readonly (readonly [number, string])[]) =>
            call(
              ...[...new Map(draws)].map(([at, takes]) => {
                const one = all[at] as BudgetDraw;
                return { ...one, takes: one.window === undefined ? takes : "1" };
              }),
            );
          for (const calls of groups) {
            const together = await charge(...calls.map((draws) => callOf(ones, draws)));
            const inTurn: BudgetOutcome[] = [];
            for (const draws of calls) inTurn.push(...(await charge(callOf(others, draws))));
            expect(withoutWaits(together)).toEqual(withoutWaits(inTurn));
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test("counts decimals exactly, forty digits of them", async () => {
    const tiny = `0.${"0".repeat(38)}1`;
    const spend = draw("1", { takes: tiny });
    expect(await passed(call(spend), call({ ...spend, takes: `0.${"9".repeat(39)}` }))).toEqual([true, true]);
    expect(await left(spend)).toBe("0");
    expect(await passed(call(spend), call({ ...spend, takes: "0" }))).toEqual([false, true]);
    const large = draw("9".repeat(40), { takes: `${"9".repeat(39)}.5` });
    expect(await passed(call(large))).toEqual([true]);
    expect(await left(large)).toBe(`8${"9".repeat(39)}.5`);
  });

  test("asking takes nothing and leaves nothing", async () => {
    const uses = draw("2");
    expect(await charge(dry(uses), dry(uses), dry(uses))).toEqual(
      Array.from({ length: 3 }, () => ({
        ...PLAIN,
        passed: true,
        left: [{ remaining: "2", short: false, retryAfter: undefined }],
      })),
    );
    expect(await passed(call(uses), dry(uses), call(uses), dry(uses))).toEqual([true, true, true, false]);
  });

  test("one platform's counter is not another's", async () => {
    const uses = draw("1");
    expect(await passed(call(uses))).toEqual([true]);
    expect((await db.store.budgets.charge("q", [call(uses)]))[0]?.passed).toBe(true);
    expect(await passed(call(uses))).toEqual([false]);
  });

  test("a rate has room again a window after its calls, and says when", async () => {
    const rate = draw("2", { window: MINUTE });
    expect(await passed(call(rate), call(rate), call(rate))).toEqual([true, true, false]);
    db.shift(30_000);
    const [half] = await charge(call(rate));
    expect(half?.passed).toBe(false);
    expect(half?.left[0]?.retryAfter).toBeGreaterThan(25);
    expect(half?.left[0]?.retryAfter).toBeLessThanOrEqual(32);
    db.shift((half?.left[0]?.retryAfter ?? 0) * 1000);
    expect(await passed(call(rate), call(rate), call(rate))).toEqual([true, true, false]);
    const never = draw("0", { window: MINUTE });
    expect((await charge(call(never)))[0]?.left).toEqual([
      { remaining: "0", short: true, retryAfter: undefined },
    ]);
  });

  test("a clock that is set back makes a rate no freer", async () => {
    const rate = draw("2", { window: MINUTE });
    db.shift(10 * MINUTE);
    expect(await passed(call(rate))).toEqual([true]);
    db.shift(-10 * MINUTE);
    expect(await passed(call(rate), call(rate))).toEqual([true, false]);
    db.shift(10 * MINUTE + 50_000);
    expect(await passed(call(rate))).toEqual([false]);
    db.shift(15_000);
    expect(await passed(call(rate))).toEqual([true]);
  });

  test("a rate lets never more than N pass in any window, and starves nobody", async () => {
    const WINDOW = MINUTE;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 5, maxLength: 25 }),
        async (most, pauses) => {
          const rate = draw(String(most), { window: WINDOW });
          const seen: { readonly from: number; readonly to: number }[] = [];
          for (const pause of pauses) {
            db.shift(pause);
            const from = await db.store.now();
            const [passes] = await passed(call(rate));
            const to = await db.store.now();
            if (passes) seen.push({ from, to });
            // A sixtieth of the window, and the one that this call is in, may count too long.
            else expect(to - (seen.at(-most)?.from ?? 0)).toBeLessThan((WINDOW * 62) / 60 + 1_000);
          }
          for (let first = 0; first + most < seen.length; first++) {
            expect((seen[first + most]?.to ?? 0) - (seen[first]?.from ?? 0)).toBeGreaterThan(WINDOW - 1);
          }
        },
      ),
      { numRuns: 12 },
    );
  });

  test("do as a plain account of them does, for any calls", async () => {
    const take = fc.record({
      counter: fc.integer({ min: 0, max: 4 }),
      takes: fc.constantFrom("0", "0.1", "0.25", "1", "3"),
    });
    const random = fc.record({
      dry: fc.boolean(),
      takes: fc.uniqueArray(take, { selector: ({ counter }) => counter, minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(random, { minLength: 1, maxLength: 6 }), { maxLength: 6 }),
        async (batches) => {
          const limits = [100n, 250n, 300n, 25n, 1_000n];
          const counters = limits.map((limit) => draw(String(Number(limit) / 100)));
          const used = limits.map(() => 0n);
          for (const batch of batches) {
            const outcomes = await charge(
              ...batch.map(({ dry: isDry, takes }) => ({
                dry: isDry,
                draws: takes.map((one) => ({ ...(counters[one.counter] ?? draw("0")), takes: one.takes })),
              })),
            );
            const expected = batch.map(({ dry: isDry, takes }) => {
              const cents = takes.map((one) => BigInt(Math.round(Number(one.takes) * 100)));
              const short = takes.map(
                ({ counter }, at) => (used[counter] ?? 0n) + (cents[at] ?? 0n) > (limits[counter] ?? 0n),
              );
              const passes = !short.includes(true);
              if (passes && !isDry) {
                for (const [at, { counter }] of takes.entries())
                  used[counter] = (used[counter] ?? 0n) + (cents[at] ?? 0n);
              }
              return {
                ...PLAIN,
                passed: passes,
                left: takes.map(({ counter }, at) => ({
                  remaining: String(Number((limits[counter] ?? 0n) - (used[counter] ?? 0n)) / 100),
                  short: short[at],
                  retryAfter: undefined,
                })),
              };
            });
            expect(outcomes).toEqual(expected);
          }
        },
      ),
      { numRuns: 15 },
    );
  });

  test("a counter goes an hour after its tokens, and not before", async () => {
    const end = (await db.store.now()) + 10 * MINUTE;
    const uses = draw("1", { endsAt: end });
    // The end of a token that lives as long as any can moves with every call.
    const endless = draw("2", { endsAt: undefined });
    const distant = draw("2", { endsAt: Date.parse("9999-01-01T00:00:00Z") });
    expect(await passed(call(uses, endless, distant))).toEqual([true]);
    db.shift(10 * MINUTE + HOUR - 5_000);
    await db.store.budgets.dropEnded();
    expect(await left(uses)).toBe("0");
    db.shift(10_000);
    await db.store.budgets.dropEnded();
    expect(await left(uses)).toBe("1");
    expect(await passed(call(endless, distant))).toEqual([true]);
    db.shift(MAX_TOKEN_LIFE + 30 * MINUTE);
    await db.store.budgets.dropEnded();
    expect([await left(endless), await left(distant)]).toEqual(["0", "0"]);
    db.shift(2 * HOUR);
    await db.store.budgets.dropEnded();
    expect([await left(endless), await left(distant)]).toEqual(["2", "2"]);
  });
});

describeOnServer("budgets of two replicas", (open) => {
  test("never deadlock, never let more pass, and lose no call", async () => {
    const states: (string | undefined)[] = [];
    const report = {
      failed: ({ sqlstate }: { readonly sqlstate: string | undefined }) => void states.push(sqlstate),
      unreachable: () => {},
      warn: () => {},
    };
    const { store, url = "" } = await open({ report });
    const other = await openStore({ place: { kind: "server", url }, deadline: 15_000, report });
    const shared = Array.from({ length: 8 }, () => draw("40"));
    const used = shared.map(() => 0);
    let [refused, unknown] = [0, 0];
    async function chargeOne(caller: number, turn: number): Promise<void> {
      // Overlapping chains, each in an order of its own.
      const chosen = shared.filter((_one, at) => (at * 7 + caller * 3 + turn) % 3 !== 0);
      const draws = caller % 2 === 0 ? chosen : chosen.toReversed();
      try {
        const [outcome] = await (caller % 4 < 2 ? store : other).budgets.charge("p", [call(...draws)]);
        if (outcome?.passed !== true) refused += 1;
        else for (const one of draws) used[shared.indexOf(one)] = (used[shared.indexOf(one)] ?? 0) + 1;
      } catch (error) {
        // A machine that is busy may hold a counter for longer than anybody waits for it.
        if (!(error instanceof DomainError)) throw error;
        unknown += 1;
      }
    }
    await Promise.all(
      Array.from({ length: 16 }, async (_, caller) => {
        for (let turn = 0; turn < 10; turn++) await chargeOne(caller, turn);
      }),
    );
    const [asked] = await store.budgets.charge("p", [dry(...shared)]);
    const charged = asked?.left.map(({ remaining }) => 40 - Number(remaining)) ?? [];
    for (const [at, count] of charged.entries()) {
      expect(count).toBeLessThanOrEqual(40);
      expect(count).toBeGreaterThanOrEqual(used[at] ?? 0);
      expect(count).toBeLessThanOrEqual((used[at] ?? 0) + unknown);
    }
    expect(refused + unknown).toBeGreaterThan(0);
    expect(states).not.toContain("40P01");
    await other.close();
  });

  test("a refused call, and one that only asks, leave no row", async () => {
    const { store, url = "" } = await open();
    await store.budgets.charge("p", [call(draw("1"), draw("0")), dry(draw("1"))]);
    expect(await raw(url, "select count(*)::int as n from budgets")).toEqual([{ n: 0 }]);
  });

  test("a charge reads its own counters, however many the platform has and whatever is known of the table", async () => {
    const { store, url = "" } = await open();
    // Nobody has counted the rows: the planner knows nothing of them.
    await raw(url, "alter table budgets set (autovacuum_enabled = false)");
    const others = Array.from({ length: 500 }, () => call(draw("9"), draw("9"), draw("9"), draw("9")));
    await store.budgets.charge("p", others);
    const counters = Array.from({ length: 32 }, (_, at) => ({
      place: at + 1,
      link: Buffer.from(others[at]?.draws[at % 4]?.link ?? []).toString("hex"),
      most: "9",
      period: null,
      ends: null,
    }));
    const calls = counters.map(({ place }) => ({
      call: place,
      dry: place % 5 === 0,
      places: [place],
      takes: ["1"],
    }));
    const sql = postgres(url, { max: 1, onnotice: () => {} });
    const rows = await sql.begin(async (transaction) => {
      await transaction`select bakehouse_charge('p', ${JSON.stringify(counters)}::text::jsonb,
        ${JSON.stringify(calls)}::text::jsonb, 1e9, 1e6, 0)`;
      return transaction<{ read: number }[]>`
        select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = 'budgets'`;
    });
    await sql.end();
    expect(rows[0]?.read).toBeGreaterThan(32);
    expect(rows[0]?.read).toBeLessThan(32 * 10);
  });
});

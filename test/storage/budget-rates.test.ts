/** `rate` beside a slow account of it in whole microseconds, on a clock that stands where the test puts it. */
import fc from "fast-check";
import postgres from "postgres";
import { afterAll, beforeAll, expect, test } from "vitest";

import type { BudgetCall, BudgetDraw, BudgetOutcome } from "../../src/domain/ports/budgets.ts";
import { describeOn, type TestStore } from "../support/database.ts";
import { bytes } from "./samples.ts";

const SECOND = 1_000_000n;
const WINDOWS = [SECOND, 60n * SECOND, 3_600n * SECOND, 86_400n * SECOND] as const;
/** Microseconds since 1970. */
const BEGIN = 1_796_000_000_000_000n;

/** How the clock moves before some calls, in terms of the window; it may be set back, too. */
type Move =
  | { readonly kind: "on"; readonly thousandths: number }
  | { readonly kind: "back"; readonly thousandths: number }
  /** To just before, just at or just behind the next sixtieth but so many. */
  | { readonly kind: "edge"; readonly sixtieths: number; readonly off: number };

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("on"), thousandths: fc.integer({ min: 0, max: 600 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("back"), thousandths: fc.integer({ min: 1, max: 300 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("edge"),
      sixtieths: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 55, max: 65 })),
      off: fc.integer({ min: -1, max: 1 }),
    }),
  },
);

function moved(now: bigint, window: bigint, by: Move): bigint {
  switch (by.kind) {
    case "on":
      return now + (window * BigInt(by.thousandths)) / 1_000n;
    case "back":
      return now - (window * BigInt(by.thousandths)) / 1_000n;
    case "edge": {
      const next = ((now * 60n) / window + 1n + BigInt(by.sixtieths)) * window;
      return next / 60n + BigInt(by.off);
    }
    default:
      return by satisfies never;
  }
}

/**
 * The rule as it is written down: a charge is dated by the clock, and never before the newest one. A sixtieth of the window
 * counts until it lies wholly outside.
 */
function createAccount(most: number, window: bigint) {
  const dates: bigint[] = [];
  const dated = (now: bigint) => {
    const newest = dates.at(-1) ?? now;
    return now > newest ? now : newest;
  };
  function counted(now: bigint): number {
    const from = 60n * (dated(now) - window);
    return dates.filter((date) => ((date * 60n) / window + 1n) * window > from).length;
  }
  return {
    dates,
    dated,
    passes: (now: bigint) => counted(now) < most,
    left: (now: bigint) => String(Math.max(most - counted(now), 0)),
    charge: (now: bigint) => void dates.push(dated(now)),
  };
}

describeOn("postgres", "rates", (open) => {
  let db: TestStore;
  let sql: postgres.Sql;

  beforeAll(async () => {
    db = await open();
    sql = postgres(db.url ?? "", { max: 1, onnotice: () => {} });
    await sql`create table public.test_clock (now timestamptz not null)`;
    await sql`insert into public.test_clock values (now())`;
    await sql`grant select on public.test_clock to public`;
    // The functions themselves, but for where they take the time from.
    for (const name of ["bakehouse_charge", "bakehouse_charge_together"]) {
      const [row] = await sql<{ text: string }[]>`
        select pg_get_functiondef(oid) as text from pg_proc where proname = ${name}`;
      const parts = row?.text.split("clock_timestamp()") ?? [];
      expect(parts).toHaveLength(2);
      await sql.unsafe(parts.join("(select t.now from public.test_clock as t)"));
    }
  });
  afterAll(() => sql.end());

  let count = 0;
  /** Makes calls at a moment. */
  async function at(
    now: bigint,
    rate: BudgetDraw,
    calls: number,
    dry = false,
  ): Promise<readonly BudgetOutcome[]> {
    await sql`update public.test_clock set now = 'epoch'::timestamptz + ${String(now)}::bigint * interval '1 microsecond'`;
    const call: BudgetCall = { draws: [rate], dry };
    return db.store.budgets.charge(
      "p",
      Array.from({ length: calls }, () => call),
    );
  }

  test("let pass what a slow account does, to the microsecond, and say when they have room", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...WINDOWS),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.record({ move, calls: fc.integer({ min: 1, max: 3 }) }), { minLength: 3, maxLength: 20 }),
        async (window, most, steps) => {
          count += 1;
          const rate: BudgetDraw = {
            link: bytes(16, `rate ${count}`),
            most: String(most),
            takes: "1",
            window: Number(window / 1_000n),
            endsAt: undefined,
          };
          const account = createAccount(most, window);
          let now = BEGIN;
          for (const { move: by, calls } of steps) {
            now = moved(now, window, by);
            let retry: number | undefined;
            for (const { passed, left } of await at(now, rate, calls)) {
              expect(passed).toBe(account.passes(now));
              if (passed) account.charge(now);
              expect(left[0]?.remaining).toBe(account.left(now));
              retry = left[0]?.retryAfter ?? retry;
              // Nobody is refused unless so many passed within a window and a sixtieth before.
              const oldest = account.dates.at(-most);
              if (!passed) expect(60n * (account.dated(now) - (oldest ?? 0n)) < 61n * window).toBe(true);
            }
            if (retry === undefined) continue;
            // The first whole second in which it does pass.
            const then = async (seconds: number) =>
              (await at(now + BigInt(seconds) * SECOND, rate, 1, true))[0]?.passed;
            expect(await then(retry)).toBe(true);
            if (retry > 1) expect(await then(retry - 1)).toBe(false);
          }
          const { dates } = account;
          for (const [first, date] of dates.entries()) {
            const last = dates[first + most];
            if (last !== undefined) expect(last - date > window).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

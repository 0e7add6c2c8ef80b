import { z } from "zod";

import { BUDGET_MARGIN, MAX_TOKEN_LIFE } from "../../domain/parts/lifetimes.ts";
import type { BudgetCall, BudgetDraw, BudgetOutcome, BudgetStore } from "../../domain/ports/budgets.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { writeText } from "../engine/values.ts";
import { deleteInBatches } from "./expiry.ts";
import { readJson } from "./json.ts";

const CHARGE = `
  select public.bakehouse_charge($1::text, $2::jsonb, $3::jsonb, $4::double precision, $5::double precision,
    $6::double precision) as charged`;

const chargedSchema = z.strictObject({
  passed: z.array(z.boolean()),
  left: z.array(z.string()),
  short: z.array(z.boolean()),
  retry: z.record(z.string(), z.number()),
});

/**
 * Budgets in the database.
 *
 * @param shift milliseconds that the database's clock is moved by
 */
export function createBudgetStore(run: Run, shift: () => number): BudgetStore {
  return {
    async charge(platform, calls) {
      const { counters, places } = countersOf(calls);
      const values = [
        writeText(platform),
        JSON.stringify(counters),
        JSON.stringify(
          calls.map(({ draws, dry }, call) => ({
            call,
            dry,
            places: places[call],
            takes: draws.map(({ takes }) => takes),
          })),
        ),
        MAX_TOKEN_LIFE,
        BUDGET_MARGIN,
        shift(),
      ];
      const [row] = await run("budgets.charge", (session) => session.query(CHARGE, values));
      if (row === undefined) throw new StorageError("budgets.charge");
      const { passed, left, short, retry } = readJson("budgets.charged", chargedSchema, row["charged"]);
      let at = 0;
      return calls.map((_, call): BudgetOutcome => {
        const answers = (places[call] ?? []).map((place) => {
          const [remaining, isShort] = [left[at], short[at]];
          at += 1;
          if (remaining === undefined || isShort === undefined) throw new StorageError("budgets.charged");
          return { remaining, short: isShort, retryAfter: isShort ? retry[place] : undefined };
        });
        return { passed: passed[call] === true, left: answers };
      });
    },

    async dropEnded() {
      return deleteInBatches(
        run,
        "budgets.dropEnded",
        {
          table: "budgets",
          key: "platform, link",
          by: "ends_at",
          is: "<= (select clock_timestamp() + $2::double precision * interval '1 millisecond')",
        },
        [shift()],
      );
    },
  };
}

/** Every counter once, and the places of each call's counters among them, from 1 on as arrays of SQL count. */
function countersOf(calls: readonly BudgetCall[]) {
  const known = new Map<string, number>();
  const counters: object[] = [];
  const places = calls.map(({ draws }) =>
    draws.map((draw) => {
      const link = Buffer.from(draw.link).toString("hex");
      let place = known.get(link);
      if (place === undefined) {
        place = counters.length + 1;
        known.set(link, place);
        counters.push(toCounter(draw, link, place));
      }
      return place;
    }),
  );
  return { counters, places };
}

function toCounter({ most, window, endsAt }: BudgetDraw, link: string, place: number): object {
  return { place, link, most, period: window === undefined ? null : window * 1000, ends: endsAt ?? null };
}

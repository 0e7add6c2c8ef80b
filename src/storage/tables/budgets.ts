import { z } from "zod";

import {
  BUDGET_MARGIN,
  MAX_TOKEN_LIFE,
  PROOF_MEMORY,
  RESERVATION_RECORD_LIFE,
} from "../../domain/parts/lifetimes.ts";
import type {
  BudgetCall,
  BudgetDraw,
  BudgetOutcome,
  BudgetStore,
  OwnedReservation,
  Reservation,
} from "../../domain/ports/budgets.ts";
import { RESERVATION_STATES } from "../../words/states.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { isStorable, isUuid, writeText } from "../engine/values.ts";
import { type Counter, chargedTogether } from "./charge-together.ts";
import { deleteInBatches } from "./expiry.ts";
import { readJson } from "./json.ts";

const CHARGE = `
  select public.bakehouse_charge($1::text, $2::jsonb, $3::jsonb, $4::double precision, $5::double precision,
    $6::double precision) as charged`;

/** The same of calls of which some have proofs. The version before this one has no such function, and asks for none. */
const PROVE = `
  select public.bakehouse_prove_and_charge($1::text, $2::jsonb, $3::jsonb, $4::double precision, $5::double precision,
    $6::double precision, $7::double precision) as charged`;

const SETTLE =
  "select public.bakehouse_settle($1::text, $2::uuid, $3::jsonb, $4::double precision) as settled";

const FIND = `
  select jsonb_build_object('id', id, 'resource', resource, 'cost', cost, 'settled', settled,
    'state', case when state = 'open' and expires_at <= clock_timestamp() + $3::double precision * interval '1 millisecond'
      then 'expired' else state end,
    'expires_at', floor(extract(epoch from expires_at) * 1000)) as reservation
  from reservations where id = $2::uuid and platform = $1::text`;

const chargedSchema = z.strictObject({
  passed: z.array(z.boolean()),
  left: z.array(z.string()),
  short: z.array(z.boolean()),
  retry: z.record(z.string(), z.number()),
  repeated: z.array(z.boolean()),
  mismatched: z.array(z.boolean()),
  reservations: z.array(z.string().nullable()),
  /** By call, if there is one; all others have what was charged, one for each call that is not replayed. */
  replayed: z.array(z.boolean()).optional(),
});

const REPLAYED: BudgetOutcome = {
  passed: false,
  repeated: false,
  mismatched: false,
  replayed: true,
  reservation: undefined,
  left: [],
};

const keptSchema = z.strictObject({ id: z.string(), expires_at: z.int() });

// No record to the schema, which would leave out a unit that is called `__proto__`.
const amountsSchema = z.custom<Readonly<Record<string, string>>>(
  (value) =>
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((amount) => typeof amount === "string"),
);

const storedReservation = z.strictObject({
  id: z.string(),
  state: z.enum(RESERVATION_STATES),
  cost: amountsSchema,
  settled: amountsSchema.nullable(),
  expires_at: z.int(),
});

const reservationSchema = storedReservation.transform(
  ({ expires_at, ...rest }): Reservation => ({ ...rest, expiresAt: expires_at }),
);

const ownedSchema = storedReservation
  .extend({ resource: z.string().nullable() })
  .transform(({ expires_at, ...rest }): OwnedReservation => ({ ...rest, expiresAt: expires_at }));

const settledSchema = z.strictObject({
  reservation: reservationSchema.nullable(),
  refused: z.enum(["state", "cost"]).nullable(),
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
      const together = await chargedTogether(run, { platform, calls, counters, places, shift: shift() });
      if (together !== undefined) return together;
      const values = [
        writeText(platform),
        JSON.stringify(counters),
        JSON.stringify(calls.map((one, call) => toCall(one, call, places[call] ?? []))),
        MAX_TOKEN_LIFE,
        BUDGET_MARGIN,
        shift(),
      ];
      const proves = calls.some(({ proof }) => proof !== undefined);
      const [row] = await run("budgets.charge", (session) =>
        proves ? session.query(PROVE, [...values, PROOF_MEMORY]) : session.query(CHARGE, values),
      );
      if (row === undefined) throw new StorageError("budgets.charge");
      const charged = readJson("budgets.charged", chargedSchema, row["charged"]);
      const { passed, left, short, retry } = charged;
      let at = 0;
      let charges = 0;
      return calls.map((_, call): BudgetOutcome => {
        if (charged.replayed?.[call] === true) return REPLAYED;
        const charge = charges++;
        const answers = (places[call] ?? []).map((place) => {
          const [remaining, isShort] = [left[at], short[at]];
          at += 1;
          if (remaining === undefined || isShort === undefined) throw new StorageError("budgets.charged");
          return { remaining, short: isShort, retryAfter: isShort ? retry[place] : undefined };
        });
        return {
          passed: passed[charge] === true,
          repeated: charged.repeated[charge] === true,
          mismatched: charged.mismatched[charge] === true,
          replayed: false,
          reservation: toKept(charged.reservations[charge] ?? null),
          left: answers,
        };
      });
    },

    async reservation(platform, id) {
      if (!isUuid(id) || !isStorable(platform)) return undefined;
      const [row] = await run("budgets.reservation", (session) =>
        session.query(FIND, [platform, id, shift()]),
      );
      return row && readJson("budgets.reservation", ownedSchema, row["reservation"]);
    },

    async settle(platform, id, cost) {
      if (!isUuid(id) || !isStorable(platform)) return { outcome: "unknown" };
      const values = [platform, id, cost && JSON.stringify(cost), shift()];
      const [row] = await run("budgets.settle", (session) => session.query(SETTLE, values));
      if (row === undefined) throw new StorageError("budgets.settle");
      const { reservation, refused } = readJson("budgets.settled", settledSchema, row["settled"]);
      if (reservation === null) return { outcome: "unknown" };
      const outcome = refused === null ? "done" : refused === "state" ? "other_state" : "other_cost";
      return { outcome, reservation };
    },

    async dropEnded() {
      for (const [table, key, by, late] of ENDING) {
        const is = "<= (select clock_timestamp() + $2::double precision * interval '1 millisecond')";
        await deleteInBatches(run, "budgets.dropEnded", { table, key, by, is }, [shift() - late]);
      }
    },
  };
}

/** Rows that live for a time: table, primary key, the column with their end, and the milliseconds that they are kept past it. */
const ENDING = [
  ["budgets", "platform, link", "ends_at", 0],
  ["budget_charges", "hash", "expires_at", 0],
  ["proofs", "hash", "expires_at", 0],
  ["reservations", "id", "expires_at", RESERVATION_RECORD_LIFE],
] as const;

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function toCall(
  { draws, dry, key, reserve, proof }: BudgetCall,
  call: number,
  places: readonly number[],
): object {
  return {
    call,
    dry,
    places,
    takes: draws.map(({ takes }) => takes),
    ...(proof && { proof: hex(proof) }),
    ...(key && { key: hex(key.hash), question: hex(key.question) }),
    ...(reserve && {
      reserve: { ...reserve, spends: reserve.spends.map((spend) => ({ ...spend, link: hex(spend.link) })) },
    }),
  };
}

function toKept(text: string | null): BudgetOutcome["reservation"] {
  if (text === null) return undefined;
  const { id, expires_at } = readJson("budgets.kept", keptSchema, JSON.parse(text));
  return { id, expiresAt: expires_at };
}

/** Every counter once, and the places of each call's counters among them, from 1 on as arrays of SQL count. */
function countersOf(calls: readonly BudgetCall[]) {
  const known = new Map<string, number>();
  const counters: Counter[] = [];
  const places = calls.map(({ draws }) =>
    draws.map((draw) => {
      const link = hex(draw.link);
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

function toCounter({ most, window, endsAt }: BudgetDraw, link: string, place: number): Counter {
  return { place, link, most, period: window === undefined ? null : window * 1000, ends: endsAt ?? null };
}

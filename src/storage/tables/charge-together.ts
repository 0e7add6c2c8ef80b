import { z } from "zod";

import { BUDGET_MARGIN, MAX_TOKEN_LIFE } from "../../domain/parts/lifetimes.ts";
import type { BudgetCall, BudgetOutcome } from "../../domain/ports/budgets.ts";
import type { Run } from "../engine/connection.ts";
import { StorageError } from "../engine/error.ts";
import { writeText } from "../engine/values.ts";
import { readJson } from "./json.ts";

/** A counter that calls draw on, as SQL has it. */
export interface Counter {
  /** From 1 on. */
  readonly place: number;
  /** Hex. */
  readonly link: string;
  /** A decimal in plain notation. */
  readonly most: string;
  /** Microseconds of a rate's window. */
  readonly period: number | null;
  /** Unix milliseconds. */
  readonly ends: number | null;
}

/** Calls of one platform: each counter once, and the places of each call's draws among them. */
export interface Charges {
  readonly platform: string;
  readonly calls: readonly BudgetCall[];
  readonly counters: readonly Counter[];
  readonly places: readonly (readonly number[])[];
  /** Milliseconds that the database's clock is moved by. */
  readonly shift: number;
}

const CHARGE_TOGETHER = `
  select public.bakehouse_charge_together($1::text, $2::text, $3::text, $4::text, $5::text, $6::text,
    $7::double precision, $8::double precision, $9::double precision) as rooms`;

const roomsSchema = z.array(z.string());

/**
 * Charges several calls at once if all of them only take, and all of them fit: nearly always so, and cheaper than a turn for
 * each.
 *
 * @returns undefined if nothing was charged: the calls have to be told apart
 */
export async function chargedTogether(
  run: Run,
  { platform, calls, counters, places, shift }: Charges,
): Promise<readonly BudgetOutcome[] | undefined> {
  if (calls.length < 2 || !calls.every(onlyTakes)) return undefined;
  const draws = calls.flatMap((call) => call.draws);
  const drawn = places.flat();
  const scale = Math.max(...draws.map(({ takes }) => fractionDigits(takes)));
  const sums = new Map<number, bigint>();
  for (const [at, place] of drawn.entries()) {
    sums.set(place, (sums.get(place) ?? 0n) + scaled(draws[at]?.takes ?? "", scale));
  }
  const values = [
    writeText(platform),
    sqlArray(counters.map(({ link }) => link)),
    sqlArray(counters.map(({ most }) => most)),
    sqlArray(counters.map(({ place }) => plain(sums.get(place) ?? 0n, scale))),
    sqlArray(counters.map(({ period }) => period)),
    sqlArray(counters.map(({ ends }) => ends)),
    MAX_TOKEN_LIFE,
    BUDGET_MARGIN,
    shift,
  ];
  const [row] = await run("budgets.charge", (session) => session.query(CHARGE_TOGETHER, values));
  if (row === undefined) throw new StorageError("budgets.charge");
  if (row["rooms"] === null) return undefined;
  const rooms = readJson("budgets.charged", roomsSchema, row["rooms"]);
  if (rooms.length !== counters.length) throw new StorageError("budgets.charged");
  const fine = Math.max(scale, ...rooms.map(fractionDigits));
  const lefts = rooms.map((room) => scaled(room, fine));
  return calls.map((call, nth) => ({
    passed: true,
    repeated: false,
    mismatched: false,
    replayed: false,
    reservation: undefined,
    left: call.draws.map(({ takes }, at) => {
      const counter = (places[nth]?.[at] ?? 0) - 1;
      const left = (lefts[counter] ?? 0n) - scaled(takes, fine);
      lefts[counter] = left;
      return { remaining: plain(left, fine), short: false, retryAfter: undefined };
    }),
  }));
}

function fractionDigits(decimal: string): number {
  const point = decimal.indexOf(".");
  return point < 0 ? 0 : decimal.length - point - 1;
}

/** A decimal in plain notation as a whole number of its last digit but `scale`. */
function scaled(decimal: string, scale: number): bigint {
  const digits = fractionDigits(decimal);
  return BigInt(decimal.replace(".", "") + "0".repeat(scale - digits));
}

/** The plain notation of such a number, which is never negative here, without zeros at its end. */
function plain(value: bigint, scale: number): string {
  if (scale === 0) return String(value);
  const text = String(value).padStart(scale + 1, "0");
  const fraction = text.slice(-scale).replace(/0+$/, "");
  return fraction === "" ? text.slice(0, -scale) : `${text.slice(0, -scale)}.${fraction}`;
}

function onlyTakes({ draws, dry, key, reserve, proof }: BudgetCall): boolean {
  return draws.length > 0 && !dry && key === undefined && reserve === undefined && proof === undefined;
}

/** The text of an array in SQL, of values that need no quotes: hex, and numbers in plain notation. */
function sqlArray(values: readonly (string | number | null)[]): string {
  return `{${values.map((value) => value ?? "null").join(",")}}`;
}

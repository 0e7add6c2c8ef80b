import { readFileSync } from "node:fs";

import { type Decimal, readDecimal } from "../../src/caveats/values/decimal.ts";
import { parseJson } from "../../src/json/parse.ts";
import { JsonNumber, type JsonObject } from "../../src/json/value.ts";

/** One claim of the table in cases.json: these caveats, with this context, at this time, give this code. */
export interface CaveatCase {
  readonly name: string;
  readonly caveats: readonly string[];
  /** The context as raw JSON text, so that a number keeps its digits; to be sent as it is. */
  readonly contextText: string;
  /** What the call costs, as raw JSON text; nothing unless the case says so. */
  readonly costText: string;
  /** RFC 3339; the same for all cases that do not say another. */
  readonly now: string;
  readonly macaroon: "root" | "discharge";
  /** Revocation ids of the root macaroon's chain; for cases in a discharge. */
  readonly ancestors: readonly string[] | undefined;
  /** The code of the one failure that is expected; null if the caveats pass. */
  readonly code: CaseCode | null;
  /** The sentence of that failure, where the case claims one. */
  readonly detail: string | undefined;
}

/** The codes that clearing gives. */
export type CaseCode = (typeof CODES)[number];

/** When a case happens that names no other time. */
const CASE_NOW = "2026-11-20T12:00:00Z";

const CODES = ["expired", "depth_exceeded", "caveat_unknown", "caveat_failed"] as const;
const MEMBERS = ["name", "caveats", "context", "cost", "now", "macaroon", "ancestors", "code", "detail"];

/** The whole table. Throws where a row has a member that nobody reads, so that a typing error is no passing case. */
export function loadCases(): readonly CaveatCase[] {
  const rows: unknown = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));
  if (!Array.isArray(rows)) throw new Error("cases.json is no list");
  return rows.map(readCase);
}

/** The context of a case as the service reads it. */
export function contextOf({ name, contextText }: CaveatCase): JsonObject {
  return objectOf(name, contextText);
}

/** The cost of a case as the service reads it. */
export function costOf({ name, costText }: CaveatCase): ReadonlyMap<string, Decimal> {
  const costs = new Map<string, Decimal>();
  for (const [unit, amount] of objectOf(name, costText)) {
    const decimal = amount instanceof JsonNumber ? readDecimal(amount.text) : undefined;
    if (typeof decimal !== "object") throw new Error(`"${name}" has a cost that is no decimal`);
    costs.set(unit, decimal);
  }
  return costs;
}

function objectOf(name: string, text: string): JsonObject {
  const value = parseJson(text);
  if (!(value instanceof Map)) throw new Error(`"${name}" holds a text that is no object`);
  return value;
}

function readCase(row: unknown): CaveatCase {
  if (typeof row !== "object" || row === null) throw new Error("a row of cases.json is no object");
  const fields = new Map(Object.entries(row));
  const name = text(fields.get("name"), "name");
  for (const member of fields.keys()) {
    if (!MEMBERS.includes(member)) throw new Error(`"${name}" has a member that nobody reads`);
  }
  const macaroon = fields.get("macaroon") ?? "root";
  const code = fields.get("code");
  const known = CODES.find((candidate) => candidate === code);
  if (known === undefined && code !== null) throw new Error(`"${name}" has no code`);
  if (macaroon !== "root" && macaroon !== "discharge") throw new Error(`"${name}" has no such macaroon`);
  return {
    name,
    caveats: texts(fields.get("caveats"), name),
    contextText: text(fields.get("context"), name),
    costText: text(fields.get("cost") ?? "{}", name),
    now: text(fields.get("now") ?? CASE_NOW, name),
    macaroon,
    ancestors: fields.has("ancestors") ? texts(fields.get("ancestors"), name) : undefined,
    code: known ?? null,
    detail: fields.has("detail") ? text(fields.get("detail"), name) : undefined,
  };
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string") throw new Error(`"${name}" lacks a text`);
  return value;
}

function texts(value: unknown, name: string): readonly string[] {
  if (!Array.isArray(value)) throw new Error(`"${name}" lacks a list`);
  return value.map((item) => text(item, name));
}

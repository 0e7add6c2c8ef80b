import { reservedMember } from "../../caveats/reserved.ts";
import { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import { JsonNumber, type JsonObject, type JsonValue } from "../../json/value.ts";
import { CONTEXT_DEPTH } from "../../words/limits.ts";
import type { Context } from "../requests.ts";

/** Values in a context that are looked at here: one far larger is the service's to refuse. */
const MOST_VALUES = 10_000;

/**
 * The context as the service would read it from a request's body; undefined if it would refuse it, or might.
 *
 * Plain data becomes the parsed value directly, because writing JSON and reading it again takes most of the time of an
 * answer. Everything that JSON writes in a way of its own (dates, maps, `toJSON`, members that it leaves out) is
 * written and read.
 */
export function readContext(context: Context): JsonObject | undefined {
  const read = readObject(context);
  return read === undefined || reservedMember(read) !== undefined ? undefined : read;
}

/** An object of a request as the service would read it; undefined if it would refuse it, or might. */
export function readObject(value: object): JsonObject | undefined {
  return plainObject(value, { left: MOST_VALUES }, 1) ?? throughJson(value);
}

interface Allowance {
  left: number;
}

/** A plain object, if it and all in it is plain. */
function plainObject(value: object, allowance: Allowance, depth: number): JsonObject | undefined {
  // `JSON.rawJSON` makes objects without a prototype.
  if (Object.getPrototypeOf(value) !== Object.prototype || depth > CONTEXT_DEPTH) return undefined;
  const members = value as Readonly<Record<string, unknown>>;
  // Inherited ones count for JSON, too.
  if (members["toJSON"] !== undefined) return undefined;
  const object = new Map<string, JsonValue>();
  for (const name of Object.keys(value)) {
    const member = plainValue(members[name], allowance, depth);
    if (member === undefined || !isPlainText(name)) return undefined;
    object.set(name, member);
  }
  return object;
}

/** A list without holes and members of its own, of plain values. */
function plainList(
  value: readonly unknown[],
  allowance: Allowance,
  depth: number,
): readonly JsonValue[] | undefined {
  if (Object.getPrototypeOf(value) !== Array.prototype || depth > CONTEXT_DEPTH) return undefined;
  if ("toJSON" in value || value.length > allowance.left) return undefined;
  const list: JsonValue[] = [];
  for (let index = 0; index < value.length; index++) {
    const item = plainValue(value[index], allowance, depth);
    if (item === undefined) return undefined;
    list.push(item);
  }
  return list;
}

function plainValue(value: unknown, allowance: Allowance, depth: number): JsonValue | undefined {
  if (--allowance.left < 0) return undefined;
  switch (typeof value) {
    case "string":
      return isPlainText(value) ? value : undefined;
    case "number":
      return Number.isFinite(value) ? new JsonNumber(String(value)) : undefined;
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      return Array.isArray(value)
        ? plainList(value, allowance, depth + 1)
        : plainObject(value, allowance, depth + 1);
    default:
      return undefined;
  }
}

/** Whether the service reads a text at all: neither a lone surrogate nor U+0000 is in any. */
function isPlainText(text: string): boolean {
  return text.isWellFormed() && !text.includes("\0");
}

function throughJson(object: object): JsonObject | undefined {
  try {
    const value = parseJson(JSON.stringify(object), { maxDepth: CONTEXT_DEPTH, maxValues: MOST_VALUES });
    return value instanceof Map ? value : undefined;
  } catch (error) {
    // A circle or a bigint is a TypeError, and is one when the service is asked, too.
    if (error instanceof JsonError || error instanceof TypeError) return undefined;
    throw error;
  }
}

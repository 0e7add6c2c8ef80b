import type { z } from "zod";

import type { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import { toPlain } from "../../json/plain.ts";
import type { JsonValue } from "../../json/value.ts";
import { invalid } from "../parts/fault-member.ts";
import { MAX_BODY, readJsonBytes } from "./body.ts";
import type { HttpRequest } from "./context.ts";
import { type ItemFlaws, itemFlaws } from "./item-flaws.ts";

/** How a route's body is read, and what it is described as. */
export interface JsonBody<T> {
  /** For openapi.yaml. */
  readonly schema: z.ZodType;
  readonly example: unknown;
  readonly maxBytes: number;
  /** The member whose elements fail alone; `read` gets the first flaw of each, by its index. */
  readonly items?: string;
  /** @throws DomainError or JsonError, naming the member at fault */
  read(tree: JsonValue, flaws: ItemFlaws): T;
}

// A value of two bytes takes a hundred in memory: without this bound one body of a batch would end the process.
const BYTES_PER_VALUE = 16;

/** Most elements of an array that a schema checks: it takes offence at each, and remembers each offence. */
const MOST_ELEMENTS = 10_000;

/**
 * Turns a body, or a part of it, into plain data for a schema.
 *
 * @throws JsonError for an array that is longer than any schema allows
 */
export function plainBody(tree: JsonValue): unknown {
  return toPlain(tree, MOST_ELEMENTS);
}

/** A body that a schema describes wholly. */
export function jsonBody<T>(schema: z.ZodType<T>, example: unknown): JsonBody<T> {
  return { schema, example, maxBytes: MAX_BODY, read: (tree) => check(schema, plainBody(tree)) };
}

/** Checks data against a schema. @throws DomainError that names the member at fault */
export function check<T>(schema: z.ZodType<T>, data: unknown): T {
  const result = schema.safeParse(data);
  if (!result.success) throw invalid(result.error, data);
  return result.data;
}

/** A body as it was received and as it was read. */
export interface ReceivedBody<T> {
  readonly value: T;
  readonly bytes: Uint8Array;
}

/** Receives and reads a request's body. */
export async function receive<T>(request: HttpRequest, body: JsonBody<T>): Promise<ReceivedBody<T>> {
  const bytes = await readJsonBytes(request, body.maxBytes);
  const maxValues = body.maxBytes / BYTES_PER_VALUE;
  const flaws = new Map<number, JsonError>();
  const tree =
    body.items === undefined
      ? parseJson(bytes, { maxValues })
      : parseJson(bytes, { maxValues, onFlaw: itemFlaws(body.items, flaws) });
  return { value: body.read(tree, flaws), bytes };
}

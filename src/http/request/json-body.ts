import type { z } from "zod";

import { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import { toPlain } from "../../json/plain.ts";
import type { JsonFlaw } from "../../json/reader.ts";
import type { JsonValue } from "../../json/value.ts";
import { invalid } from "../parts/fault-member.ts";
import { HttpError } from "../parts/problem.ts";
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

/**
 * What a body may hold that comes without a credential: the tokens of a revocation, or a ticket and the token that
 * carries it.
 */
export const ANONYMOUS = { maxBytes: 256 * 1024, maxValues: 256 };

/**
 * Receives and reads a request's body.
 *
 * @param anonymous whether no credential came with the request: then far less is read
 */
export async function receive<T>(
  request: HttpRequest,
  body: JsonBody<T>,
  anonymous: boolean,
): Promise<ReceivedBody<T>> {
  const maxBytes = anonymous ? Math.min(body.maxBytes, ANONYMOUS.maxBytes) : body.maxBytes;
  const maxValues = anonymous ? ANONYMOUS.maxValues : body.maxBytes / BYTES_PER_VALUE;
  const bytes = await readJsonBytes(request, maxBytes);
  const flaws = new Map<number, JsonError>();
  const onFlaw = body.items === undefined ? undefined : itemFlaws(body.items, flaws);
  return { value: body.read(parse(bytes, maxValues, anonymous, onFlaw), flaws), bytes };
}

function parse(
  bytes: Uint8Array,
  maxValues: number,
  anonymous: boolean,
  onFlaw: ((flaw: JsonFlaw) => void) | undefined,
): JsonValue {
  try {
    return parseJson(bytes, onFlaw === undefined ? { maxValues } : { maxValues, onFlaw });
  } catch (error) {
    if (!anonymous || !(error instanceof JsonError) || error.code !== "too_many") throw error;
    throw new HttpError("payload_too_large", `${error.message}: more needs a credential`, {}, error.path);
  }
}

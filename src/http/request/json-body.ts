import type { z } from "zod";

import { beginTimeSlice, type SliceClock, type TimeSlice } from "../../domain/parts/time-slice.ts";
import { beginCount } from "../../json/count.ts";
import { JsonError, type JsonPathStep } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import { toPlain } from "../../json/plain.ts";
import { beginJson } from "../../json/reading.ts";
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
  /**
   * May take turns of the event loop for what is long.
   *
   * @throws DomainError or JsonError, naming the member at fault
   */
  read(tree: JsonValue, flaws: ItemFlaws, clock: SliceClock): T | Promise<T>;
}

/**
 * Most values of a body, and of a batch's. A value of two bytes takes a hundred in memory, and for as long as they are all
 * alive each of the collector's pauses grows with them.
 */
const MOST_VALUES = 64 * 1024;
const MOST_OF_BATCH = 2 * MOST_VALUES;

/**
 * Most elements of an array and members of an object that a schema checks: it takes offence at each, and remembers each
 * offence.
 */
const MOST_ELEMENTS = 10_000;
const MOST_MEMBERS = 100;

/** Most members of any object: a table of more takes milliseconds to grow, in one piece. */
const MOST_OF_OBJECT = 16_384;

/** Bytes of a body that is read in one piece; a larger one is read in steps, between which others have their turns. */
const IN_ONE_PIECE = 16 * 1024;

/**
 * Turns a body, or a part of it, into plain data for a schema.
 *
 * @throws JsonError for an array or an object that is longer than any schema allows
 */
export function plainBody(tree: JsonValue, within: readonly JsonPathStep[] = []): unknown {
  return toPlain(tree, { elements: MOST_ELEMENTS, members: MOST_MEMBERS }, within);
}

/** A body that a schema describes wholly. */
export function jsonBody<T>(schema: z.ZodType<T>, example: unknown): JsonBody<T> {
  return { schema, example, maxBytes: MAX_BODY, read: (tree) => check(schema, plainBody(tree)) };
}

/**
 * Checks data against a schema.
 *
 * @param within the way to a part of a body, for the refusal
 * @throws DomainError that names the member at fault
 */
export function check<T>(schema: z.ZodType<T>, data: unknown, within: readonly JsonPathStep[] = []): T {
  const result = schema.safeParse(data);
  if (!result.success) throw invalid(result.error, schema, data, within);
  return result.data;
}

/** As {@link check}, of a part of a body as it was parsed. */
export function checkAt<T>(within: readonly JsonPathStep[], schema: z.ZodType<T>, tree: JsonValue): T {
  return check(schema, plainBody(tree, within), within);
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

/** The flaws of a body whose elements do not fail alone: there are none that it could go on with. */
const NO_FLAWS: ItemFlaws = new Map();

/**
 * Receives and reads a request's body: at once if it came with the head, and is read in one piece.
 *
 * @param anonymous whether no credential came with the request: then far less is read
 */
export function receive<T>(
  request: HttpRequest,
  body: JsonBody<T>,
  anonymous: boolean,
  clock: SliceClock,
): ReceivedBody<T> | Promise<ReceivedBody<T>> {
  const maxBytes = anonymous ? Math.min(body.maxBytes, ANONYMOUS.maxBytes) : body.maxBytes;
  const bytes = readJsonBytes(request, maxBytes);
  if (bytes instanceof Uint8Array && bytes.length <= IN_ONE_PIECE) {
    const { flaws, options } = readingOf(body, anonymous);
    let tree: JsonValue;
    try {
      tree = parseJson(bytes, options);
    } catch (error) {
      throw refusalOf(error, anonymous);
    }
    const value = body.read(tree, flaws, clock);
    return value instanceof Promise ? value.then((read) => ({ value: read, bytes })) : { value, bytes };
  }
  return receiveInTurns(bytes, body, anonymous, clock);
}

async function receiveInTurns<T>(
  coming: Uint8Array | Promise<Uint8Array>,
  body: JsonBody<T>,
  anonymous: boolean,
  clock: SliceClock,
): Promise<ReceivedBody<T>> {
  const bytes = await coming;
  const { flaws, options } = readingOf(body, anonymous);
  let tree: JsonValue;
  try {
    tree = bytes.length <= IN_ONE_PIECE ? parseJson(bytes, options) : await inSteps(bytes, options, clock);
  } catch (error) {
    throw refusalOf(error, anonymous);
  }
  return { value: await body.read(tree, flaws, clock), bytes };
}

function readingOf<T>({ maxBytes, items }: JsonBody<T>, anonymous: boolean) {
  const maxValues = anonymous ? ANONYMOUS.maxValues : maxBytes > MAX_BODY ? MOST_OF_BATCH : MOST_VALUES;
  const limits = { maxValues, maxToken: MAX_BODY, maxMembers: MOST_OF_OBJECT };
  if (items === undefined) return { flaws: NO_FLAWS, options: limits };
  const flaws = new Map<number, JsonError>();
  return { flaws, options: { ...limits, onFlaw: itemFlaws(items, flaws) } };
}

function refusalOf(error: unknown, anonymous: boolean): unknown {
  if (!anonymous || !(error instanceof JsonError) || error.code !== "too_many") return error;
  return new HttpError("payload_too_large", `${error.message}: more needs a credential`, {}, error.path);
}

async function inSteps(
  bytes: Uint8Array,
  options: Parameters<typeof beginJson>[1] & { readonly maxValues: number },
  clock: SliceClock,
): Promise<JsonValue> {
  const slice = beginTimeSlice(clock);
  await last(beginCount(bytes, options.maxValues).step, slice);
  const reading = beginJson(bytes, options);
  return (await last(reading.step, slice)).value;
}

/** Goes on step by step until there is a result. */
async function last<Result>(step: () => Result | undefined, slice: TimeSlice): Promise<Result> {
  for (;;) {
    const result = step();
    if (result !== undefined) return result;
    if (slice.isOver()) await slice.next();
  }
}

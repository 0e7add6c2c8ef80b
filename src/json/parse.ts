import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  countValue,
  isAtEnd,
  isEmpty,
  isLast,
  isTooDeep,
  OPEN_BRACE,
  OPEN_BRACKET,
  put,
  readName,
  skipOn,
} from "./containers.ts";
import { JsonError } from "./error.ts";
import { BEYOND, type JsonFlaw, peek, QUOTE, type Reader } from "./reader.ts";
import { readScalar } from "./scalars.ts";
import { readString } from "./string.ts";
import { decodeUtf8 } from "./utf8.ts";
import type { JsonValue } from "./value.ts";

/** How {@link parseJson} reads. */
export interface JsonOptions {
  /** Most arrays and objects within one another; 128 unless said, 1,000 at most. */
  readonly maxDepth?: number;
  /**
   * Most values in the text, those within others counted; no limit unless said. A value takes many times the
   * memory of the two bytes that it can be written in.
   */
  readonly maxValues?: number;
  /**
   * Most characters of a string, as they stand in the text; no limit unless said. With it, a number and white space
   * have at most {@link LONGEST_RUN}, since they are read in one piece.
   */
  readonly maxToken?: number;
  /** Most members of one object; no limit unless said. One more is a flaw of the object, and is not in the result. */
  readonly maxMembers?: number;
  /** Reads U+0000 in strings too. For formats that carry bytes as text, and nothing else. */
  readonly allowNul?: boolean;
  /**
   * Takes each flaw that leaves the grammar whole (duplicate members, U+0000, lone surrogates, deep nesting) instead
   * of refusing the text for it. The value with the flaw is in the result, altered: it must not be used.
   */
  readonly onFlaw?: (flaw: JsonFlaw) => void;
}

/** Most characters of a number or of white space, where tokens have a limit. */
const LONGEST_RUN = 32 * 1024;

const DEFAULT_DEPTH = 128;
// The reader recurses; this many frames fit on any stack that Node gives.
const DEEPEST = 1_000;

/**
 * Reads one JSON text (RFC 8259), strictly.
 *
 * Refused besides bad grammar: an object with two members of one name (two readers would see two
 * different requests), a surrogate without its pair and U+0000 in any string, written raw or as an
 * escape (neither survives the way through a database), a byte order mark, and deep nesting. Takes time
 * linear in the text. Strings of the result may be slices that keep the whole text alive.
 *
 * @param source a text, or its UTF-8 bytes
 * @throws JsonError
 */
export function parseJson(source: string | Uint8Array, options?: JsonOptions): JsonValue {
  const text = typeof source === "string" ? source : decodeUtf8(source);
  if (text === undefined) throw notUtf8();
  const reader = newReader(text, [], options);
  const value = readValue(reader);
  isAtEnd(reader, Number.POSITIVE_INFINITY);
  return value;
}

/** The refusal of bytes that are no UTF-8. */
export function notUtf8(): JsonError {
  return new JsonError("encoding", "text is not utf-8", []);
}

/**
 * Begins to read a text.
 *
 * @param text its beginning; not empty unless the text is
 * @param rest further pieces of it
 */
export function newReader(text: string, rest: string[], options: JsonOptions | undefined): Reader {
  const { maxToken = BEYOND, maxDepth = DEFAULT_DEPTH } = options ?? {};
  if (!(maxDepth >= 0 && maxDepth <= DEEPEST)) throw new RangeError(`maxDepth must be 0 to ${DEEPEST}`);
  if (text.charCodeAt(0) === 0xfeff) throw new JsonError("encoding", "byte order mark", [], 0);
  return {
    text,
    offset: 0,
    base: 0,
    low: rest.length === 0 ? BEYOND : 0,
    rest,
    path: [],
    skipped: 0,
    begun: undefined,
    maxDepth,
    allowNul: options?.allowNul ?? false,
    maxValues: options?.maxValues ?? Number.POSITIVE_INFINITY,
    maxToken,
    maxRun: maxToken === BEYOND ? BEYOND : Math.min(maxToken, LONGEST_RUN),
    maxMembers: options?.maxMembers ?? BEYOND,
    values: 0,
    onFlaw: options?.onFlaw,
  };
}

// Every request passes through here. Without recursion, as in steps.ts, it takes a third longer.
function readValue(reader: Reader): JsonValue {
  const unit = peek(reader);
  countValue(reader);
  if (unit === QUOTE) return readString(reader);
  if (unit === OPEN_BRACE) return isTooDeep(reader) ? skipWhole(reader) : readObject(reader);
  if (unit === OPEN_BRACKET) return isTooDeep(reader) ? skipWhole(reader) : readArray(reader);
  return readScalar(reader, unit);
}

function readObject(reader: Reader): ReadonlyMap<string, JsonValue> {
  const members = new Map<string, JsonValue>();
  if (isEmpty(reader, CLOSE_BRACE)) return members;
  for (;;) {
    const name = readName(reader, members);
    put(reader, members, name, readValue(reader));
    reader.path.pop();
    if (isLast(reader, CLOSE_BRACE)) return members;
  }
}

function readArray(reader: Reader): readonly JsonValue[] {
  const elements: JsonValue[] = [];
  if (isEmpty(reader, CLOSE_BRACKET)) return elements;
  for (;;) {
    reader.path.push(elements.length);
    elements.push(readValue(reader));
    reader.path.pop();
    if (isLast(reader, CLOSE_BRACKET)) return elements;
  }
}

function skipWhole(reader: Reader): null {
  skipOn(reader, Number.POSITIVE_INFINITY);
  return null;
}

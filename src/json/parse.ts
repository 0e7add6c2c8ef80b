import { JsonError } from "./error.ts";
import { fail, flaw, isDigit, type JsonFlaw, QUOTE, type Reader } from "./reader.ts";
import { readString } from "./string.ts";
import { decodeUtf8 } from "./utf8.ts";
import { JsonNumber, type JsonValue } from "./value.ts";

/** How {@link parseJson} reads. */
export interface JsonOptions {
  /** Most arrays and objects within one another; 128 unless said, 1,000 at most. */
  readonly maxDepth?: number;
  /**
   * Most values in the text, those within others counted; no limit unless said. A value takes many times the
   * memory of the two bytes that it can be written in.
   */
  readonly maxValues?: number;
  /** Reads U+0000 in strings too. For formats that carry bytes as text, and nothing else. */
  readonly allowNul?: boolean;
  /**
   * Takes each flaw that leaves the grammar whole (duplicate members, U+0000, lone surrogates, deep nesting) instead
   * of refusing the text for it. The value with the flaw is in the result, altered: it must not be used.
   */
  readonly onFlaw?: (flaw: JsonFlaw) => void;
}

const DEFAULT_DEPTH = 128;
// The reader recurses; this many frames fit on any stack that Node gives.
const DEEPEST = 1_000;

const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const ZERO = 0x30;

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
  const maxDepth = options?.maxDepth ?? DEFAULT_DEPTH;
  if (!(maxDepth >= 0 && maxDepth <= DEEPEST)) throw new RangeError(`maxDepth must be 0 to ${DEEPEST}`);
  const text = typeof source === "string" ? source : decodeUtf8(source);
  if (text === undefined) throw new JsonError("encoding", "text is not utf-8", []);
  if (text.charCodeAt(0) === 0xfeff) throw new JsonError("encoding", "byte order mark", [], 0);
  const reader: Reader = {
    text,
    offset: 0,
    path: [],
    maxDepth,
    allowNul: options?.allowNul ?? false,
    maxValues: options?.maxValues ?? Number.POSITIVE_INFINITY,
    values: 0,
    onFlaw: options?.onFlaw,
  };
  const value = readValue(reader);
  skipSpace(reader);
  if (reader.offset < text.length) fail(reader, "syntax", "text after the value");
  return value;
}

function skipSpace(reader: Reader): void {
  const { text } = reader;
  let at = reader.offset;
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) break;
    at++;
  }
  reader.offset = at;
}

/** Skips white space and returns the next character's code; NaN at the end of the text. */
function peek(reader: Reader): number {
  const unit = reader.text.charCodeAt(reader.offset);
  if (unit > 0x20) return unit;
  skipSpace(reader);
  return reader.text.charCodeAt(reader.offset);
}

function readValue(reader: Reader): JsonValue {
  const unit = peek(reader);
  if (++reader.values > reader.maxValues) fail(reader, "too_many", `more than ${reader.maxValues} values`);
  switch (unit) {
    case QUOTE:
      return readString(reader);
    case 0x7b:
      return isTooDeep(reader) ? skipNested(reader) : readObject(reader);
    case 0x5b:
      return isTooDeep(reader) ? skipNested(reader) : readArray(reader);
    case 0x74:
      return readWord(reader, "true", true);
    case 0x66:
      return readWord(reader, "false", false);
    case 0x6e:
      return readWord(reader, "null", null);
    default:
      if (unit === MINUS || isDigit(unit)) return readNumber(reader);
      return fail(reader, "syntax", Number.isNaN(unit) ? "text ends early" : "no value begins here");
  }
}

function readWord<T extends boolean | null>(reader: Reader, word: string, value: T): T {
  if (!reader.text.startsWith(word, reader.offset)) fail(reader, "syntax", "no value begins here");
  reader.offset += word.length;
  return value;
}

function isTooDeep(reader: Reader): boolean {
  if (reader.path.length < reader.maxDepth) return false;
  flaw(reader, "too_deep", `nested deeper than ${reader.maxDepth}`);
  return true;
}

/** Passes over an array or object without recursion, by its brackets and strings alone. */
function skipNested(reader: Reader): null {
  const { text } = reader;
  let open = 0;
  for (let at = reader.offset; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      reader.offset = at;
      readString(reader);
      at = reader.offset - 1;
    } else if (unit === 0x7b || unit === 0x5b) {
      open++;
    } else if (unit === 0x7d || unit === 0x5d) {
      open--;
      if (open > 0) continue;
      reader.offset = at + 1;
      return null;
    }
  }
  reader.offset = text.length;
  return fail(reader, "syntax", "text ends early");
}

function readObject(reader: Reader): ReadonlyMap<string, JsonValue> {
  reader.offset++;
  const { path } = reader;
  const members = new Map<string, JsonValue>();
  if (peek(reader) === 0x7d) {
    reader.offset++;
    return members;
  }
  for (;;) {
    if (peek(reader) !== QUOTE) fail(reader, "syntax", "no member name begins here");
    const start = reader.offset;
    const name = readString(reader);
    path.push(name);
    if (members.has(name)) flaw(reader, "duplicate_member", "duplicate member", start);
    if (peek(reader) !== COLON) fail(reader, "syntax", "no colon after the member name");
    reader.offset++;
    members.set(name, readValue(reader));
    path.pop();
    if (isLast(reader, 0x7d)) return members;
  }
}

function readArray(reader: Reader): readonly JsonValue[] {
  reader.offset++;
  const { path } = reader;
  const elements: JsonValue[] = [];
  if (peek(reader) === 0x5d) {
    reader.offset++;
    return elements;
  }
  for (;;) {
    path.push(elements.length);
    elements.push(readValue(reader));
    path.pop();
    if (isLast(reader, 0x5d)) return elements;
  }
}

function isLast(reader: Reader, close: number): boolean {
  const unit = peek(reader);
  if (unit !== COMMA && unit !== close) fail(reader, "syntax", "neither a comma nor the end");
  reader.offset++;
  return unit === close;
}

function readNumber(reader: Reader): JsonNumber {
  const { text } = reader;
  const start = reader.offset;
  if (text.charCodeAt(start) === MINUS) reader.offset++;
  if (text.charCodeAt(reader.offset) === ZERO) reader.offset++;
  else skipDigits(reader);
  if (text.charCodeAt(reader.offset) === 0x2e) {
    reader.offset++;
    skipDigits(reader);
  }
  const mark = text.charCodeAt(reader.offset);
  if (mark === 0x65 || mark === 0x45) {
    const sign = text.charCodeAt(++reader.offset);
    if (sign === 0x2b || sign === MINUS) reader.offset++;
    skipDigits(reader);
  }
  return new JsonNumber(text.slice(start, reader.offset));
}

function skipDigits(reader: Reader): void {
  const { text } = reader;
  let at = reader.offset;
  while (isDigit(text.charCodeAt(at))) at++;
  if (at === reader.offset) fail(reader, "syntax", "no digit where a number needs one");
  reader.offset = at;
}

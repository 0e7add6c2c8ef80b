import { fail, flaw, isSpace, peek, QUOTE, type Reader, refill } from "./reader.ts";
import { readString, readStringOn } from "./string.ts";
import type { JsonValue } from "./value.ts";

export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
export const OPEN_BRACKET = 0x5b;
export const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Counts a value that begins here. */
export function countValue(reader: Reader): void {
  if (++reader.values > reader.maxValues) fail(reader, "too_many", `more than ${reader.maxValues} values`);
}

/** Whether the array or object that begins here is nested too deep, which is a flaw. */
export function isTooDeep(reader: Reader): boolean {
  if (reader.path.length < reader.maxDepth) return false;
  flaw(reader, "too_deep", `nested deeper than ${reader.maxDepth}`);
  return true;
}

/** Passes over an opening bracket, and over the closing one if that follows. @param close the closing one */
export function isEmpty(reader: Reader, close: number): boolean {
  reader.offset++;
  if (peek(reader) !== close) return false;
  reader.offset++;
  return true;
}

/** Passes over what stands behind a value: a comma, or the closing bracket, which ends the container. */
export function isLast(reader: Reader, close: number): boolean {
  const unit = peek(reader);
  if (unit !== COMMA && unit !== close) fail(reader, "syntax", "neither a comma nor the end");
  reader.offset++;
  return unit === close;
}

/**
 * Passes over white space behind the value of the text, of any length.
 *
 * @param end how far in the whole text, about
 * @returns whether the text's end was reached
 */
export function isAtEnd(reader: Reader, end: number): boolean {
  while (reader.base + reader.offset <= end) {
    if (reader.offset >= reader.low) refill(reader);
    const unit = reader.text.charCodeAt(reader.offset);
    if (Number.isNaN(unit)) return true;
    if (!isSpace(unit)) fail(reader, "syntax", "text after the value");
    reader.offset++;
  }
  return false;
}

/** Reads a member's name up to its colon, and puts it on the path. */
export function readName(reader: Reader, members: ReadonlyMap<string, JsonValue>): string {
  requireName(reader);
  const start = reader.offset;
  return named(reader, members, readString(reader), start);
}

/**
 * Reads a member's name on, as {@link readName} does.
 *
 * @param end how far in the whole text, about
 * @returns whether its colon was passed
 */
export function readNameOn(reader: Reader, members: ReadonlyMap<string, JsonValue>, end: number): boolean {
  if (reader.begun === undefined) requireName(reader);
  const start = reader.begun?.start ?? reader.base + reader.offset;
  const name = readStringOn(reader, end);
  if (name === undefined) return false;
  named(reader, members, name, start - reader.base);
  return true;
}

function requireName(reader: Reader): void {
  if (peek(reader) !== QUOTE) fail(reader, "syntax", "no member name begins here");
}

function named(reader: Reader, members: ReadonlyMap<string, JsonValue>, name: string, start: number): string {
  reader.path.push(name);
  if (members.has(name)) flaw(reader, "duplicate_member", "duplicate member", start);
  else if (members.size >= reader.maxMembers) {
    flaw(reader, "too_many", `more than ${reader.maxMembers} members`, start);
  }
  if (peek(reader) !== COLON) fail(reader, "syntax", "no colon after the member name");
  reader.offset++;
  return name;
}

/** Puts a member into its object. A table that grows without end is copied in one piece again and again. */
export function put(reader: Reader, members: Map<string, JsonValue>, name: string, value: JsonValue): void {
  if (members.size < reader.maxMembers || members.has(name)) members.set(name, value);
}

/**
 * Passes over an array or object by its brackets and strings alone, without recursion.
 *
 * @param end how far in the whole text, about
 * @returns whether its end was passed
 */
export function skipOn(reader: Reader, end: number): boolean {
  if (reader.begun !== undefined && readStringOn(reader, end) === undefined) return false;
  for (;;) {
    if (reader.offset >= reader.low) refill(reader);
    if (reader.skipped > 0 && reader.base + reader.offset > end) return false;
    const unit = reader.text.charCodeAt(reader.offset);
    if (unit === QUOTE) {
      if (readStringOn(reader, end) === undefined) return false;
      continue;
    }
    if (Number.isNaN(unit)) return fail(reader, "syntax", "text ends early");
    reader.offset++;
    if (unit === OPEN_BRACE || unit === OPEN_BRACKET) reader.skipped++;
    if ((unit === CLOSE_BRACE || unit === CLOSE_BRACKET) && --reader.skipped === 0) return true;
  }
}

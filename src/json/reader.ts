import { JsonError, type JsonErrorCode, type JsonPathStep } from "./error.ts";

/** The code unit of `"`. */
export const QUOTE = 0x22;

/** An offset beyond the end of any text. A small integer for the engine, unlike infinity. */
export const BEYOND = 2 ** 30 - 1;

/** A text and how far it has been read. */
export interface Reader {
  /** The text, or the window of it that is being read. */
  text: string;
  offset: number;
  /** Code units before the window. */
  base: number;
  /** The offset from which on the window may end within a token, so that more of the text has to be added first. */
  low: number;
  /** The pieces of the text behind the window. */
  readonly rest: string[];
  /** The way to the value being read; between two values its length is the depth. */
  readonly path: JsonPathStep[];
  /** Brackets that are open in a value that is passed over because it is nested too deep. */
  skipped: number;
  /** The string that was begun in a step before; undefined if none is under way. */
  begun: BegunString | undefined;
  readonly maxDepth: number;
  readonly allowNul: boolean;
  readonly maxValues: number;
  readonly maxToken: number;
  /** Most characters of a number or of white space, which are read in one piece. */
  readonly maxRun: number;
  readonly maxMembers: number;
  /** Values begun so far. */
  values: number;
  /** Takes a flaw that leaves the text's grammar whole, so that reading goes on; undefined refuses the text for it. */
  readonly onFlaw: ((flaw: JsonFlaw) => void) | undefined;
}

/** A string up to where it has been read. */
export interface BegunString {
  /** Its place in the whole text. */
  readonly start: number;
  text: string;
  /** Characters that have been read, as they stand in the text. */
  length: number;
}

/** A rule that a text breaks though its grammar is whole, and the way to the value that breaks it. */
export interface JsonFlaw {
  readonly code: JsonErrorCode;
  readonly rule: string;
  readonly path: readonly JsonPathStep[];
}

/** Refuses the text at the place that the reader has come to. */
export function fail(reader: Reader, code: JsonErrorCode, rule: string): never {
  throw new JsonError(code, rule, reader.path, reader.base + reader.offset);
}

/**
 * Refuses the text for a string, a number or white space that is too long.
 *
 * @param most characters that one may have
 */
export function failLong(reader: Reader, most: number): never {
  fail(reader, "too_long", `more than ${most} characters in one piece`);
}

/** Refuses the text for a flaw, or hands the flaw to the reader's taker and lets reading go on. */
export function flaw(reader: Reader, code: JsonErrorCode, rule: string, offset = reader.offset): void {
  if (reader.onFlaw === undefined) throw new JsonError(code, rule, reader.path, reader.base + offset);
  reader.onFlaw({ code, rule, path: [...reader.path] });
}

/** Whether a code unit is an ASCII digit. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** Whether a code unit is white space (RFC 8259 §2). */
export function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

/** Skips white space and returns the next character's code; NaN at the end of the text. */
export function peek(reader: Reader): number {
  const unit = reader.text.charCodeAt(reader.offset);
  return unit > 0x20 && reader.offset < reader.low ? unit : peekFurther(reader);
}

function peekFurther(reader: Reader): number {
  do {
    if (reader.offset >= reader.low) refill(reader);
    skipSpace(reader);
    // The token may begin where the window could end within it.
  } while (reader.offset >= reader.low);
  return reader.text.charCodeAt(reader.offset);
}

function skipSpace(reader: Reader): void {
  const { text } = reader;
  let at = reader.offset;
  while (isSpace(text.charCodeAt(at))) at++;
  if (at - reader.offset > reader.maxRun) failLong(reader, reader.maxRun);
  reader.offset = at;
}

/** Drops what was read from the window, and adds text until no token that is read in one piece can reach beyond it. */
export function refill(reader: Reader): void {
  const { rest } = reader;
  const room = reader.maxRun + ESCAPE;
  let text = reader.text.slice(reader.offset);
  // Twice the room: with just the room, every token would have what is left copied.
  while (text.length < 2 * room) {
    const more = rest.shift();
    if (more === undefined) break;
    text += more;
  }
  reader.base += reader.offset;
  reader.offset = 0;
  reader.text = text;
  reader.low = rest.length === 0 ? BEYOND : text.length - room;
}

/** Characters that the longest escape takes, and the quotes. */
const ESCAPE = 16;

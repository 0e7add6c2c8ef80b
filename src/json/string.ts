import {
  BEYOND,
  type BegunString,
  fail,
  failLong,
  flaw,
  isDigit,
  QUOTE,
  type Reader,
  refill,
} from "./reader.ts";

const BACKSLASH = 0x5c;
/** The character in the place of one that cannot stand in a text (Unicode 16, §5.22). */
const REPLACEMENT = 0xfffd;

// A control character, a backslash or a surrogate: every character that a string cannot hold just as it stands.
const UNUSUAL = /[^ -[\]-\ud7ff\ue000-\uffff]/;

/**
 * Code units of escapes, and of short runs between them, before they become text: one by one they would make a rope
 * with as many knots as the string has escapes.
 */
const gathered = new Uint16Array(4_096);
const SHORT_RUN = 64;
/** Units that one escape and the run before it add at most. */
const ROOM = SHORT_RUN + 2;

/** Characters of a string that are read in one piece, about. */
const PART = 16 * 1024;

/** Reads the string that begins at the reader's offset (RFC 8259 §7). */
export function readString(reader: Reader): string {
  const plain = readPlain(reader, reader.maxToken);
  if (plain !== undefined) return plain;
  const begun = begin(reader);
  for (;;) {
    const whole = readOn(reader, begun, BEYOND);
    if (whole !== undefined) return whole;
  }
}

/**
 * Reads the string that begins at the reader's offset, or reads on in the one that is begun.
 *
 * @param end how far in the whole text, about
 * @returns the string, if its end was passed
 */
export function readStringOn(reader: Reader, end: number): string | undefined {
  if (reader.begun !== undefined) return readOn(reader, reader.begun, end);
  return readPlain(reader, Math.min(reader.maxToken, PART)) ?? readOn(reader, begin(reader), end);
}

/** Reads a string of so many characters that all stand just as they are; undefined for any other. */
function readPlain(reader: Reader, most: number): string | undefined {
  const { text } = reader;
  const start = reader.offset + 1;
  const end = text.indexOf('"', start);
  const run = text.slice(start, end);
  if (end < 0 || end - start > most || UNUSUAL.test(run)) return undefined;
  reader.offset = end + 1;
  return run;
}

function begin(reader: Reader): BegunString {
  const begun = { start: reader.base + reader.offset, text: "", length: 0 };
  reader.begun = begun;
  reader.offset++;
  return begun;
}

function readOn(reader: Reader, begun: BegunString, end: number): string | undefined {
  do {
    if (reader.offset >= reader.low) refill(reader);
    if (!readPart(reader, begun)) continue;
    reader.begun = undefined;
    return begun.text;
  } while (reader.base + reader.offset <= end);
  return undefined;
}

/** Reads a part of a string. @returns whether its end was passed */
function readPart(reader: Reader, begun: BegunString): boolean {
  const { text } = reader;
  const start = reader.offset - begun.length;
  const end = Math.min(reader.low, reader.offset + PART);
  let at = reader.offset;
  let run = at;
  let count = 0;
  while (at < end) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) break;
    if (unit >= 0x20 && unit < 0xd800 && unit !== BACKSLASH) {
      at++;
      continue;
    }
    reader.offset = at;
    requireShort(reader, start);
    if (unit !== BACKSLASH) {
      at += plainLength(reader, unit);
      continue;
    }
    if (count > gathered.length - ROOM || at - run > SHORT_RUN) {
      begun.text += textOf(count) + text.slice(run, at);
      count = 0;
    } else {
      while (run < at) gathered[count++] = text.charCodeAt(run++);
    }
    const simple = simpleEscape(text.charCodeAt(at + 1));
    if (simple >= 0) {
      gathered[count++] = simple;
      at += 2;
    } else {
      count += readUnicodeEscape(reader, count);
      at = reader.offset;
    }
    run = at;
  }
  reader.offset = at;
  requireShort(reader, start);
  begun.text += textOf(count) + text.slice(run, at);
  begun.length = at - start;
  const isClosed = text.charCodeAt(at) === QUOTE;
  if (isClosed) reader.offset++;
  return isClosed;
}

/** Refuses a string that is too long already. @param start the offset behind its quote */
function requireShort(reader: Reader, start: number): void {
  const { maxToken, offset } = reader;
  if (offset - start <= maxToken) return;
  // The same place however the text comes in pieces.
  reader.offset = start + maxToken;
  failLong(reader, maxToken);
}

/** The text of so many units that are gathered. */
function textOf(count: number): string {
  // Engines copy the units of a typed array here; a spread would step through them one by one.
  return count === 0 ? "" : Reflect.apply(String.fromCharCode, undefined, gathered.subarray(0, count));
}

/** How many units the unusual character at the offset takes, if a string may hold it raw. */
function plainLength(reader: Reader, unit: number): 1 | 2 {
  if (unit > 0xdfff) return 1;
  if (Number.isNaN(unit)) return fail(reader, "syntax", "string without an end");
  if (unit === 0) {
    flaw(reader, "nul", "U+0000 in a string");
    return 1;
  }
  if (unit < 0x20) return fail(reader, "syntax", "raw control character in a string");
  if (unit < 0xdc00 && isLow(reader.text.charCodeAt(reader.offset + 1))) return 2;
  flaw(reader, "lone_surrogate", "surrogate without its pair");
  return 1;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** The code unit that an escape of one letter stands for, or -1 if it stands for none. */
function simpleEscape(unit: number): number {
  switch (unit) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f:
      return unit;
    case 0x62:
      return 0x08;
    case 0x66:
      return 0x0c;
    case 0x6e:
      return 0x0a;
    case 0x72:
      return 0x0d;
    case 0x74:
      return 0x09;
    default:
      return -1;
  }
}

/** Reads an escape with four hex digits, or two that are a pair. @returns how many units were gathered from `at` on */
function readUnicodeEscape(reader: Reader, at: number): 1 | 2 {
  const { text, offset } = reader;
  if (text.charCodeAt(offset + 1) !== 0x75) fail(reader, "syntax", "unknown escape in a string");
  const unit = hexUnit(text, offset + 2);
  if (unit < 0) fail(reader, "syntax", "\\u without four hex digits");
  if (unit === 0 && !reader.allowNul) flaw(reader, "nul", "U+0000 in a string");
  reader.offset += 6;
  gathered[at] = unit;
  if (unit < 0xd800 || unit > 0xdfff) return 1;
  // The other half must be an escape as well: a raw one would be a lone surrogate in the text itself.
  const paired =
    unit < 0xdc00 && text.charCodeAt(offset + 6) === BACKSLASH && text.charCodeAt(offset + 7) === 0x75;
  const low = paired ? hexUnit(text, offset + 8) : -1;
  if (isLow(low)) {
    reader.offset += 6;
    gathered[at + 1] = low;
    return 2;
  }
  flaw(reader, "lone_surrogate", "surrogate without its pair", offset);
  gathered[at] = REPLACEMENT;
  return 1;
}

/** The code unit that four hex digits name, or -1 if they are not four. */
function hexUnit(text: string, at: number): number {
  let unit = 0;
  for (let index = at; index < at + 4; index++) {
    const digit = hexDigit(text.charCodeAt(index));
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

function hexDigit(unit: number): number {
  if (isDigit(unit)) return unit - 0x30;
  const lower = unit | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

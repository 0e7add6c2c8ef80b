import { fail, flaw, isDigit, QUOTE, type Reader } from "./reader.ts";

const BACKSLASH = 0x5c;
/** The character in the place of one that cannot stand in a text (Unicode 16, §5.22). */
const REPLACEMENT = "\ufffd";

// A control character, a backslash or a surrogate: every character that a string cannot hold just as it stands.
const UNUSUAL = /[^ -[\]-\ud7ff\ue000-\uffff]/;

/** Reads the string that begins at the reader's offset (RFC 8259 §7). */
export function readString(reader: Reader): string {
  const { text } = reader;
  const start = reader.offset + 1;
  const end = text.indexOf('"', start);
  const run = text.slice(start, end);
  if (end < 0 || UNUSUAL.test(run)) return readUnusualString(reader);
  reader.offset = end + 1;
  return run;
}

function readUnusualString(reader: Reader): string {
  const { text } = reader;
  let at = reader.offset + 1;
  let run = at;
  let before = "";
  for (;;) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) break;
    if (unit >= 0x20 && unit < 0xd800 && unit !== BACKSLASH) {
      at++;
      continue;
    }
    reader.offset = at;
    if (unit === BACKSLASH) {
      before += text.slice(run, at) + readEscape(reader);
      at = reader.offset;
      run = at;
    } else {
      at += plainLength(reader, unit);
    }
  }
  reader.offset = at + 1;
  return before + text.slice(run, at);
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

function readEscape(reader: Reader): string {
  const unit = reader.text.charCodeAt(reader.offset + 1);
  if (unit === 0x75) return readUnicodeEscape(reader);
  const character = simpleEscape(unit);
  if (character === undefined) fail(reader, "syntax", "unknown escape in a string");
  reader.offset += 2;
  return character;
}

function simpleEscape(unit: number): string | undefined {
  switch (unit) {
    case QUOTE:
      return '"';
    case BACKSLASH:
      return "\\";
    case 0x2f:
      return "/";
    case 0x62:
      return "\b";
    case 0x66:
      return "\f";
    case 0x6e:
      return "\n";
    case 0x72:
      return "\r";
    case 0x74:
      return "\t";
    default:
      return undefined;
  }
}

function readUnicodeEscape(reader: Reader): string {
  const { text, offset } = reader;
  const unit = hexUnit(text, offset + 2);
  if (unit < 0) fail(reader, "syntax", "\\u without four hex digits");
  if (unit === 0 && !reader.allowNul) flaw(reader, "nul", "U+0000 in a string");
  if (unit < 0xd800 || unit > 0xdfff) {
    reader.offset += 6;
    return String.fromCharCode(unit);
  }
  // The other half must be an escape as well: a raw one would be a lone surrogate in the text itself.
  const paired =
    unit < 0xdc00 && text.charCodeAt(offset + 6) === BACKSLASH && text.charCodeAt(offset + 7) === 0x75;
  const low = paired ? hexUnit(text, offset + 8) : -1;
  if (!isLow(low)) {
    flaw(reader, "lone_surrogate", "surrogate without its pair");
    reader.offset += 6;
    return REPLACEMENT;
  }
  reader.offset += 12;
  return String.fromCharCode(unit, low);
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

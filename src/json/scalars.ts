import { fail, failLong, isDigit, type Reader } from "./reader.ts";
import { JsonNumber } from "./value.ts";

const MINUS = 0x2d;
const ZERO = 0x30;

/** Reads a number or a word. @param unit the code unit that it begins with */
export function readScalar(reader: Reader, unit: number): boolean | null | JsonNumber {
  switch (unit) {
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

/** Reads the number that begins at the reader's offset (RFC 8259 §6). */
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
  // A window of the text may have ended within a number that is too long, so this stands behind every way out.
  if (reader.offset - start > reader.maxRun) failLong(reader, reader.maxRun);
  return new JsonNumber(text.slice(start, reader.offset));
}

function skipDigits(reader: Reader): void {
  const { text } = reader;
  let at = reader.offset;
  while (isDigit(text.charCodeAt(at))) at++;
  if (at === reader.offset) fail(reader, "syntax", "no digit where a number needs one");
  reader.offset = at;
}

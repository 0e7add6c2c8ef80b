import { JsonNumber, type JsonValue } from "../../json/value.ts";
import { addressSpellings, mayBeAddress } from "./address-spellings.ts";
import { isAscii } from "./characters.ts";
import { formatDecimal, readDecimal, readDecimalLoosely } from "./decimal.ts";
import { formatInstant, parseInstant } from "./instant.ts";

/**
 * The text that `=` and `in` compare with: a string itself, `true` or `false`, or a number in plain notation
 * without needless zeros (1.0 and 1e0 are both `1`).
 *
 * Undefined for a number of too many digits, and for a value that is no scalar: such a value equals nothing.
 */
export function canonicalText(value: JsonValue): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "true" : "false";
  if (!(value instanceof JsonNumber)) return undefined;
  const decimal = readDecimal(value.text);
  return decimal === undefined || decimal === "too_long" ? undefined : formatDecimal(decimal);
}

// Normalising a character takes about as long as looking at this many, and marks in a row are sorted:
const NORMALISE_COST = 15;
const SORT_COST = 100;
const MARKS_IN_A_ROW = /\p{M}{3}/u;
// So do reading a text as a decimal and an instant, and finding out which address or instant it is.
// A list of a mebibyte has tens of thousands of values: counted by their length alone they would take seconds.
const READINGS_COST = 150;
const SPELLINGS_COST = 450;
const ODD_SPELLINGS_COST = 1_500;
/** The signs of an address that is none in the spelling of the language, or of one with IPv4 at its end. */
const ODD = /[[%x]|:.*\./i;
const DATE = /^\d{4}-/;

/** The cost of {@link readingsOf}, of an allowance of work, the text's length aside. */
export function readingsCost(text: string): number {
  const trimmed = text.trim();
  let cost = READINGS_COST;
  if (!isAscii(text)) cost += text.length * (MARKS_IN_A_ROW.test(text) ? SORT_COST : NORMALISE_COST);
  if (mayBeAddress(trimmed)) cost += ODD.test(trimmed) ? ODD_SPELLINGS_COST : SPELLINGS_COST;
  else if (DATE.test(trimmed)) cost += ODD_SPELLINGS_COST;
  return cost;
}

/**
 * Keys of a text, one for each way of reading it. Two texts that share a key might be the same thing to
 * a program that acts on the request, so `!=` and `not in` refuse. The text must be one that `canNormalise` takes.
 */
export function readingsOf(text: string): readonly string[] {
  const asText = `text ${isAscii(text) ? text : text.normalize("NFC")}`;
  const trimmed = text.trim();
  const readings = [asText, ...addressSpellings(trimmed).map((address) => `address ${address}`)];
  const decimal = readDecimalLoosely(trimmed);
  if (decimal === "too_long") return [...readings, "decimal too long"];
  if (decimal !== undefined) return [...readings, `decimal ${formatDecimal(decimal)}`];
  const instant = parseInstant(trimmed);
  return instant === undefined ? readings : [...readings, `instant ${formatInstant(instant)}`];
}

import { CODE, isDigit } from "./characters.ts";

/** Digits that a decimal may have in plain notation, before and after the point together. */
export const MAX_DECIMAL_DIGITS = 40;

/** A decimal number, exactly. Each value has one representation, so deep equality is numeric equality. */
export interface Decimal {
  readonly kind: "decimal";
  /** False for zero: there is no negative zero. */
  readonly negative: boolean;
  /** Digits before the point, without leading zeros; empty for none. */
  readonly integer: string;
  /** Digits after the point, without trailing zeros; empty for none. */
  readonly fraction: string;
}

/**
 * The reading of a text: a decimal, `too_long` for a decimal of more than {@link MAX_DECIMAL_DIGITS}
 * digits in plain notation, or undefined for a text that is no decimal.
 */
export type DecimalReading = Decimal | "too_long" | undefined;

// More than any text is long, so a clamped exponent is out of range with any digits before it.
const EXPONENT_CLAMP = 1e12;

const ZERO: Decimal = { kind: "decimal", negative: false, integer: "", fraction: "" };

/** Reads a number in JSON's grammar (RFC 8259 §6). Work and memory do not grow with the exponent. */
export function readDecimal(text: string): DecimalReading {
  return scan(text, false);
}

/**
 * Reads a text that somebody else's parser might take for a decimal: also a plus sign, leading zeros, and a
 * missing digit before or after the point. Only for refusing: `!= 100` must not let `0100` through.
 */
export function readDecimalLoosely(text: string): DecimalReading {
  return scan(text, true);
}

/** Orders two decimals: negative, zero or positive as for `Array.prototype.sort`. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  if (a.negative !== b.negative) return a.negative ? -1 : 1;
  const magnitude = compareMagnitudes(a, b);
  return a.negative ? -magnitude : magnitude;
}

/** Plain notation: no exponent, no needless zero, `0` for zero of either sign. */
export function formatDecimal(decimal: Decimal): string {
  const point = decimal.fraction === "" ? "" : ".";
  return `${decimal.negative ? "-" : ""}${decimal.integer || "0"}${point}${decimal.fraction}`;
}

function compareMagnitudes(a: Decimal, b: Decimal): number {
  if (a.integer.length !== b.integer.length) return a.integer.length - b.integer.length;
  if (a.integer !== b.integer) return a.integer < b.integer ? -1 : 1;
  if (a.fraction === b.fraction) return 0;
  return a.fraction < b.fraction ? -1 : 1;
}

function scan(text: string, loose: boolean): DecimalReading {
  const first = text.charCodeAt(0);
  const negative = first === CODE.minus;
  const from = negative || (loose && first === CODE.plus) ? 1 : 0;
  const integerEnd = skipDigits(text, from);
  const hasPoint = text.charCodeAt(integerEnd) === CODE.dot;
  const fractionFrom = hasPoint ? integerEnd + 1 : integerEnd;
  const fractionEnd = hasPoint ? skipDigits(text, fractionFrom) : integerEnd;

  const integerDigits = integerEnd - from;
  const fractionDigits = fractionEnd - fractionFrom;
  if (integerDigits + fractionDigits === 0) return undefined;
  if (!loose) {
    if (integerDigits === 0 || (hasPoint && fractionDigits === 0)) return undefined;
    if (integerDigits > 1 && text.charCodeAt(from) === CODE.zero) return undefined;
  }

  const exponent = scanExponent(text, fractionEnd);
  if (exponent === undefined) return undefined;
  const digits = text.slice(from, integerEnd) + text.slice(fractionFrom, fractionEnd);
  return normalise(negative, digits, integerDigits + exponent);
}

function skipDigits(text: string, from: number): number {
  let at = from;
  while (isDigit(text.charCodeAt(at))) at++;
  return at;
}

function scanExponent(text: string, from: number): number | undefined {
  if (from === text.length) return 0;
  const mark = text.charCodeAt(from);
  if (mark !== CODE.upperE && mark !== CODE.lowerE) return undefined;
  const sign = text.charCodeAt(from + 1);
  const signed = sign === CODE.minus || sign === CODE.plus;
  let at = signed ? from + 2 : from + 1;
  if (at === text.length) return undefined;
  let exponent = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) return undefined;
    exponent = Math.min(exponent * 10 + code - CODE.zero, EXPONENT_CLAMP);
  }
  return sign === CODE.minus ? -exponent : exponent;
}

/** @param point the place of the decimal point, counted in digits from the left */
function normalise(negative: boolean, digits: string, point: number): DecimalReading {
  let from = 0;
  let end = digits.length;
  while (from < end && digits.charCodeAt(from) === CODE.zero) from++;
  if (from === end) return ZERO;
  while (digits.charCodeAt(end - 1) === CODE.zero) end--;

  const significant = digits.slice(from, end);
  const before = point - from;
  const integerDigits = Math.max(before, 0);
  const fractionDigits = Math.max(significant.length - before, 0);
  if (integerDigits + fractionDigits > MAX_DECIMAL_DIGITS) return "too_long";
  return {
    kind: "decimal",
    negative,
    integer: significant.slice(0, integerDigits).padEnd(integerDigits, "0"),
    fraction: significant.slice(integerDigits).padStart(fractionDigits, "0"),
  };
}

import { CODE, isDigit } from "./characters.ts";

/** A point in time, exactly. Each instant has one representation, so deep equality is equality in time. */
export interface Instant {
  readonly kind: "instant";
  /** Whole seconds since 1970-01-01T00:00:00Z, rounded down; leap seconds are not counted. */
  readonly seconds: number;
  /** Digits after the decimal point of the second, without trailing zeros; empty for none. */
  readonly fraction: string;
}

const DAY = 86_400;
// 0000-01-01T00:00:00Z and 10000-01-01T00:00:00Z: outside them an instant has no RFC 3339 text in UTC.
const FIRST_SECOND = -62_167_219_200;
const END_SECOND = 253_402_300_800;

/**
 * Reads an RFC 3339 date-time (§5.6). Undefined for any other text.
 *
 * `T` and `Z` may be lower case, as the RFC allows; a space between date and time is not accepted. A
 * fraction may have any number of digits. Second 60 is refused: Unix time has no place for it. So is an
 * instant with a year in UTC that is not 0000–9999.
 */
export function parseInstant(text: string): Instant | undefined {
  const year = number(text, 0, 4);
  const month = number(text, 5, 7);
  const day = number(text, 8, 10);
  const hour = number(text, 11, 13);
  const minute = number(text, 14, 16);
  const second = number(text, 17, 19);
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59) return undefined;
  if (!isPunctuated(text)) return undefined;

  const fractionFrom = text.charCodeAt(19) === CODE.dot ? 20 : 19;
  let fractionEnd = fractionFrom;
  if (fractionFrom === 20) {
    while (isDigit(text.charCodeAt(fractionEnd))) fractionEnd++;
    if (fractionEnd === fractionFrom) return undefined;
  }
  const offset = readOffset(text, fractionEnd);
  if (offset === undefined) return undefined;
  const seconds = daysBefore(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
  if (seconds < FIRST_SECOND || seconds >= END_SECOND) return undefined;
  while (fractionEnd > fractionFrom && text.charCodeAt(fractionEnd - 1) === CODE.zero) fractionEnd--;
  return { kind: "instant", seconds, fraction: text.slice(fractionFrom, fractionEnd) };
}

/** The instant of a clock's reading in milliseconds since 1970, as `Date.now()` gives it. */
export function instantFromMilliseconds(milliseconds: number): Instant {
  const seconds = Math.floor(milliseconds / 1000);
  const rest = Math.floor(milliseconds) - seconds * 1000;
  return { kind: "instant", seconds, fraction: trimZeros(String(rest).padStart(3, "0")) };
}

/** The last whole millisecond that is not after the instant, unix milliseconds. */
export function millisecondsOf({ seconds, fraction }: Instant): number {
  return seconds * 1000 + Number(fraction.slice(0, 3).padEnd(3, "0"));
}

/** The first whole millisecond that is not before the instant, unix milliseconds. */
export function millisecondsNotBefore(instant: Instant): number {
  return millisecondsOf(instant) + (instant.fraction.length > 3 ? 1 : 0);
}

/** Orders two instants: negative, zero or positive as for `Array.prototype.sort`. */
export function compareInstants(a: Instant, b: Instant): number {
  if (a.seconds !== b.seconds) return a.seconds - b.seconds;
  if (a.fraction === b.fraction) return 0;
  return a.fraction < b.fraction ? -1 : 1;
}

/** RFC 3339 in UTC with an upper-case `T` and `Z`, and only the digits of a second that matter. */
export function formatInstant(instant: Instant): string {
  return `${formatDate(instant)}T${formatTime(instant, true)}Z`;
}

/** The date in UTC, as `2026-12-01`. */
export function formatDate(instant: Instant): string {
  const [year, month, day] = dateOf(Math.floor(instant.seconds / DAY));
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
}

/** The time of day in UTC, as `14:00:05.25`. Without `always`, seconds that are zero are left out. */
export function formatTime(instant: Instant, always: boolean): string {
  const ofDay = instant.seconds - Math.floor(instant.seconds / DAY) * DAY;
  const minutes = `${pad(Math.floor(ofDay / 3600), 2)}:${pad(Math.floor(ofDay / 60) % 60, 2)}`;
  if (!always && ofDay % 60 === 0 && instant.fraction === "") return minutes;
  const point = instant.fraction === "" ? "" : ".";
  return `${minutes}:${pad(ofDay % 60, 2)}${point}${instant.fraction}`;
}

function isPunctuated(text: string): boolean {
  if (text.charCodeAt(4) !== CODE.minus || text.charCodeAt(7) !== CODE.minus) return false;
  if (text.charCodeAt(13) !== CODE.colon || text.charCodeAt(16) !== CODE.colon) return false;
  const separator = text.charCodeAt(10);
  return separator === CODE.upperT || separator === CODE.lowerT;
}

/** Seconds that the local time is ahead of UTC; undefined if the text does not end in an offset. */
function readOffset(text: string, from: number): number | undefined {
  const mark = text.charCodeAt(from);
  if (mark === CODE.upperZ || mark === CODE.lowerZ) return text.length === from + 1 ? 0 : undefined;
  if (mark !== CODE.plus && mark !== CODE.minus) return undefined;
  if (text.length !== from + 6 || text.charCodeAt(from + 3) !== CODE.colon) return undefined;
  const hours = number(text, from + 1, from + 3);
  const minutes = number(text, from + 4, from + 6);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  const seconds = hours * 3600 + minutes * 60;
  return mark === CODE.minus ? -seconds : seconds;
}

/** The number that the digits of a slice make, or -1. */
function number(text: string, from: number, to: number): number {
  let result = 0;
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (!isDigit(code)) return -1;
    result = result * 10 + code - CODE.zero;
  }
  return result;
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
}

// Both directions count in 400-year eras of years that begin in March, so that a leap day ends its year.

/** Days from 1970-01-01 to a date of the proleptic Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

function dateOf(days: number): readonly [year: number, month: number, day: number] {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leapless =
    dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor(leapless / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return [yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day];
}

function pad(value: number, width: number): string {
  return String(value).padStart(width, "0");
}

function trimZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === CODE.zero) end--;
  return digits.slice(0, end);
}

import { UUID } from "../../words/ids.ts";
import { StorageError } from "./error.ts";

/** A row as a driver hands it over: nothing is known of its values yet. */
export type Row = Readonly<Record<string, unknown>>;

// Postgres prints timestamptz(3) so with DateStyle ISO and TimeZone UTC.
const INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)\+00$/;

/** Reads text. */
export function readText(value: unknown): string {
  if (typeof value !== "string") throw new StorageError("read text");
  return value;
}

/** Reads a whole number that a double holds exactly; drivers hand over a bigint as text, number or bigint. */
export function readInteger(value: unknown): number {
  const number =
    typeof value === "number" ||
    typeof value === "bigint" ||
    (typeof value === "string" && /^-?\d+$/.test(value))
      ? Number(value)
      : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new StorageError("read integer");
  return number;
}

/** Reads true or false. */
export function readBoolean(value: unknown): boolean {
  if (typeof value !== "boolean") throw new StorageError("read boolean");
  return value;
}

/** Reads bytes, as a copy: a driver's buffer may share its memory with other rows. */
export function readBytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) throw new StorageError("read bytes");
  return new Uint8Array(value);
}

/** Reads an instant as unix milliseconds. */
export function readInstant(value: unknown): number {
  const match = typeof value === "string" ? INSTANT.exec(value) : null;
  const at = match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2]}Z`);
  if (!Number.isSafeInteger(at)) throw new StorageError("read instant");
  return at;
}

/** Writes unix milliseconds as an instant that every Postgres reads alike. */
export function writeInstant(milliseconds: number): string {
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0 || milliseconds > 253_402_300_799_999) {
    throw new StorageError("write instant");
  }
  return new Date(milliseconds).toISOString();
}

/**
 * Writes text, and refuses text that would not come back as it went in: Postgres has no NUL, and a lone
 * surrogate becomes U+FFFD on the way, so that two different subjects would be stored as one.
 */
export function writeText(value: string): string {
  if (!isStorable(value)) throw new StorageError("write text");
  return value;
}

/** Whether Postgres keeps this text as it is. Text that is not storable equals nothing that is stored. */
export function isStorable(value: string): boolean {
  return value.isWellFormed() && !value.includes("\0");
}

/** Whether this is a UUID in its canonical text form. */
export function isUuid(value: string): boolean {
  return UUID.test(value);
}

/** Applies a reader unless the value is null. */
export function nullable<T>(read: (value: unknown) => T): (value: unknown) => T | null {
  return (value) => (value === null ? null : read(value));
}

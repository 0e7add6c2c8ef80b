import { isText } from "../domain/parts/token-claims.ts";

// Bidirectional controls could make a name on an approval page read as something else.
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const EMAIL = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u;

/** A claim that is only ever shown, or null if it is not fit to be. */
export function displayText(value: unknown, max: number): string | null {
  return isText(value, max) && !UNPRINTABLE.test(value) && value.trim() !== "" ? value : null;
}

/** An e-mail address as far as it is safe to keep and show; RFC 5321 §4.5.3 limits its length. */
export function emailText(value: unknown): string | null {
  const text = displayText(value, 254);
  return text !== null && EMAIL.test(text) ? text : null;
}

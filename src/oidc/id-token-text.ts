// Bidirectional controls could make a name on an approval page read as something else.
const UNPRINTABLE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/u;
const CONTROL = /\p{Cc}/u;
const EMAIL = /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u;

/**
 * Whether a claim is a text that can be kept and compared: a string of 1 to `max` UTF-16 units, without
 * control characters (NUL does not survive a database) and lone surrogates.
 */
export function isText(value: unknown, max: number): value is string {
  return (
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= max &&
    value.isWellFormed() &&
    !CONTROL.test(value)
  );
}

/** A claim that is only ever shown, or null if it is not fit to be. */
export function displayText(value: unknown, max: number): string | null {
  return isText(value, max) && !UNPRINTABLE.test(value) && value.trim() !== "" ? value : null;
}

/** An e-mail address as far as it is safe to keep and show; RFC 5321 §4.5.3 limits its length. */
export function emailText(value: unknown): string | null {
  const text = displayText(value, 254);
  return text !== null && EMAIL.test(text) ? text : null;
}

/**
 * A JSON number, kept as it was written. A double would lose the digits of a 30-digit amount, and a
 * caveat that compares exactly must see the sender's own digits.
 */
export class JsonNumber {
  readonly text: string;

  /** @param text a number in JSON's own grammar (RFC 8259 §6), exactly as it stood in the source */
  constructor(text: string) {
    this.text = text;
  }
}

/** A JSON object. A map and not an object, so that `__proto__` is a member like any other. */
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** Any JSON value as {@link parseJson} reads it. */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject;

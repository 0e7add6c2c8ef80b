/** A column of an answer. */
export interface Field {
  readonly name: string;
  /** The type's OID. */
  readonly type: number;
}

type Read = (text: string) => unknown;

// Everything else stays the text that the server prints; `engine/values.ts` reads it, or refuses.
const READERS: ReadonlyMap<number, Read> = new Map<number, Read>([
  [16, (text) => text === "t"],
  [17, readBytea],
  [21, Number],
  [23, Number],
  [114, (text): unknown => JSON.parse(text)],
  [3802, (text): unknown => JSON.parse(text)],
]);

// Bytes come in hex, since every transaction sets `bytea_output`; another form would be read as wrong bytes.
function readBytea(text: string): Uint8Array {
  if (!text.startsWith("\\x")) throw new TypeError("bytes are not in hex");
  return Buffer.from(text.slice(2), "hex");
}

/** Reads a row of the server's texts. */
export function readRow(fields: readonly Field[], texts: readonly unknown[]): readonly unknown[] {
  return texts.map((text, index) => {
    if (typeof text !== "string") return null;
    const read = READERS.get(fields[index]?.type ?? 0);
    return read === undefined ? text : read(text);
  });
}

/** A value that may be sent as a parameter. */
export type Value = string | number | boolean | Uint8Array | null;

/** Writes a parameter as the server reads it: bytes as they are, everything else as text. */
export function writeValue(value: unknown): string | Buffer | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint")
    return String(value);
  throw new TypeError("a parameter is of a type that is not sent");
}

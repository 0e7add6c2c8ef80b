import { malformed } from "./error.ts";

/** Bytes and how far they have been read. */
export interface ByteReader {
  readonly bytes: Uint8Array;
  offset: number;
}

// go-macaroon's bound, which keeps every length a small integer in every language.
const HIGHEST = 0x7fff_ffff;

/** Reads one byte. */
export function readByte(reader: ByteReader): number {
  const byte = reader.bytes[reader.offset];
  if (byte === undefined) malformed("data ends early");
  reader.offset++;
  return byte;
}

/** Reads so many bytes, as a view into the reader's. */
export function readBytes(reader: ByteReader, length: number): Uint8Array {
  const end = reader.offset + length;
  if (end > reader.bytes.length) malformed("data ends early");
  const bytes = reader.bytes.subarray(reader.offset, end);
  reader.offset = end;
  return bytes;
}

/**
 * Reads an unsigned integer of seven bits a byte, the lowest first (as protocol buffers have it).
 *
 * @throws MacaroonError past 2³¹−1, and for more bytes than the number needs: each number has one spelling
 */
export function readUvarint(reader: ByteReader): number {
  let value = 0;
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = readByte(reader);
    value += (byte & 0x7f) * 2 ** shift;
    if (byte >= 0x80) continue;
    if (byte === 0 && shift > 0) malformed("varint with needless bytes");
    if (value > HIGHEST) malformed("varint past 2^31-1");
    return value;
  }
  return malformed("varint past 2^31-1");
}

/** Writes an unsigned integer of at most 2³¹−1 as {@link readUvarint} reads it. */
export function encodeUvarint(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > HIGHEST)
    throw new RangeError("not an unsigned varint");
  if (value < 0x80) return Uint8Array.of(value);
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

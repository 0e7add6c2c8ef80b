import { utf8ToBytes } from "@noble/hashes/utils.js";

import { decodeUtf8 } from "../../json/utf8.ts";
import { MacaroonError, malformed } from "./error.ts";

/**
 * Whether two byte strings are equal, in time that depends on their lengths alone.
 *
 * Every comparison of a signature or a key goes through here: one that stopped at the first difference
 * would tell a patient sender the right signature byte by byte.
 */
export function constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  // biome-ignore lint/style/noNonNullAssertion: both indices are below the common length
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ b[index]!;
  return difference === 0;
}

/** An order of byte strings, for public bytes only: it stops at the first difference. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** A copy that shares no memory. `slice` would not do: that of Node's Buffer, which is a Uint8Array too, copies nothing. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** One byte string after another. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/**
 * A text's UTF-8 bytes; bytes stay as they are.
 *
 * @throws MacaroonError for a lone surrogate, which would silently become another character
 */
export function toBytes(text: string | Uint8Array): Uint8Array {
  if (typeof text !== "string") return text;
  if (!text.isWellFormed()) throw new MacaroonError("invalid_argument", "text has a lone surrogate");
  return utf8ToBytes(text);
}

/** How many bytes a well-formed text takes as UTF-8. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair counts for two of its four bytes.
    if (unit >= 0x80) length += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return length;
}

/** The text of UTF-8 bytes, or undefined if they are not UTF-8. */
export function toText(bytes: Uint8Array): string | undefined {
  return decodeUtf8(bytes);
}

/** A location's text. Locations are texts in every format, so bytes that are none are malformed. */
export function toLocation(bytes: Uint8Array): string {
  return decodeUtf8(bytes) ?? malformed("location is not utf-8");
}

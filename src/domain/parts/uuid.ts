import type { Randomness } from "../ports/randomness.ts";

/**
 * A UUID of version 7 (RFC 9562 §5.7): 48 bits of time, 74 of randomness.
 *
 * @param at unix milliseconds
 */
export function uuidv7(at: number, randomness: Randomness): string {
  const bytes = randomness.bytes(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  view.setUint16(0, Math.floor(at / 0x1_0000_0000));
  view.setUint32(2, at % 0x1_0000_0000);
  view.setUint8(6, 0x70 | (view.getUint8(6) & 0x0f));
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

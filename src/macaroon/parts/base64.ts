import { malformed } from "./error.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const PAD = 0x3d;
const BAD = 0xff;
const STANDARD = 0x40;
const URL_SAFE = 0x80;

// A character's six bits; the two that differ carry a mark of their alphabet, so that a mixture shows.
const DIGITS = new Uint8Array(128).fill(BAD);
for (let digit = 0; digit < 62; digit++) DIGITS[ALPHABET.charCodeAt(digit)] = digit;
DIGITS[0x2b] = 62 | STANDARD;
DIGITS[0x2f] = 63 | STANDARD;
DIGITS[0x2d] = 62 | URL_SAFE;
// `_` is 63 | URL_SAFE = 0xbf, which is not BAD.
DIGITS[0x5f] = 63 | URL_SAFE;

/**
 * Reads base64 (RFC 4648), in either alphabet, padded or not, and strictly.
 *
 * White space, a mixture of the alphabets, half padding and spare bits are refused: each would give one
 * token many texts, and so slip past a memory that is keyed by the token's text.
 *
 * @throws MacaroonError
 */
export function decodeBase64(text: string): Uint8Array {
  return decodeNatively(text) ?? decodeByHand(text);
}

/** One byte of the bytes that a text stands for. Means nothing if the text is not base64. */
export function byteAt(text: string, at: number): number {
  const bit = at * 8;
  const first = (bit - (bit % 6)) / 6;
  const pair = (digitAt(text, first) << 6) | digitAt(text, first + 1);
  return (pair >> (4 - (bit % 6))) & 0xff;
}

function digitAt(text: string, index: number): number {
  return (DIGITS[text.charCodeAt(index)] ?? 0) & 0x3f;
}

/** The parts of `Uint8Array` that an engine may have and may not (ECMAScript 2026). */
interface NativeDecoder extends Pick<Uint8ArrayConstructor, "of"> {
  fromBase64?(text: string, options: { readonly alphabet: "base64url" }): Uint8Array;
}

interface NativeEncoder extends Pick<Uint8Array, "length"> {
  toBase64?(options: { readonly alphabet: "base64url"; readonly omitPadding: true }): string;
}

/**
 * Reads the spelling that is written here, several times as fast as by hand.
 *
 * @returns undefined for everything else: the engine passes over white space, takes either half of the padding and
 *   does not mind spare bits, so it is only believed if the text can have held none of these
 */
function decodeNatively(text: string): Uint8Array | undefined {
  const native: NativeDecoder = Uint8Array;
  const rest = text.length % 4;
  if (native.fromBase64 === undefined || rest === 1 || !isWhole(text, rest)) return undefined;
  try {
    const bytes = native.fromBase64(text, { alphabet: "base64url" });
    return bytes.length === Math.floor((text.length * 3) / 4) ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a text of base64url ends in a digit without spare bits. */
function isWhole(text: string, rest: number): boolean {
  const digit = DIGITS[text.charCodeAt(text.length - 1)] ?? BAD;
  if (digit === BAD) return false;
  if (rest === 0) return true;
  return (digit & (rest === 2 ? 0x0f : 0x03)) === 0;
}

function decodeByHand(text: string): Uint8Array {
  const length = unpaddedLength(text);
  const rest = length % 4;
  if (rest === 1) malformed("base64 of an impossible length");
  const bytes = new Uint8Array(Math.floor((length * 3) / 4));
  let seen = 0;
  let buffer = 0;
  let bits = 0;
  let at = 0;
  for (let index = 0; index < length; index++) {
    const digit = DIGITS[text.charCodeAt(index)] ?? BAD;
    if (digit === BAD) malformed("not base64");
    seen |= digit;
    buffer = (buffer << 6) | (digit & 0x3f);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = buffer >> bits;
    }
  }
  if ((seen & STANDARD) !== 0 && (seen & URL_SAFE) !== 0) malformed("base64 of two alphabets");
  if ((buffer & ((1 << bits) - 1)) !== 0) malformed("base64 with spare bits");
  return bytes;
}

function unpaddedLength(text: string): number {
  let end = text.length;
  while (text.length - end < 2 && text.charCodeAt(end - 1) === PAD) end--;
  if (end < text.length && text.length % 4 !== 0) malformed("base64 with wrong padding");
  return end;
}

/** Writes base64url without padding (RFC 4648 §5). */
export function encodeBase64Url(bytes: Uint8Array): string {
  const native: NativeEncoder = bytes;
  return native.toBase64?.({ alphabet: "base64url", omitPadding: true }) ?? encodeByHand(bytes);
}

function encodeByHand(bytes: Uint8Array): string {
  let text = "";
  let index = 0;
  for (; index + 2 < bytes.length; index += 3) {
    const group = byte(bytes, index, 16) | byte(bytes, index + 1, 8) | byte(bytes, index + 2, 0);
    text += digit(group >> 18) + digit(group >> 12) + digit(group >> 6) + digit(group);
  }
  const left = bytes.length - index;
  if (left === 1) {
    const group = byte(bytes, index, 16);
    text += digit(group >> 18) + digit(group >> 12);
  } else if (left === 2) {
    const group = byte(bytes, index, 16) | byte(bytes, index + 1, 8);
    text += digit(group >> 18) + digit(group >> 12) + digit(group >> 6);
  }
  return text;
}

function byte(bytes: Uint8Array, index: number, shift: number): number {
  return (bytes[index] ?? 0) << shift;
}

function digit(bits: number): string {
  return ALPHABET.charAt(bits & 0x3f);
}

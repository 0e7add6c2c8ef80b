import { pow } from "@noble/curves/abstract/modular.js";
import { type MontgomeryECDH, montgomery } from "@noble/curves/abstract/montgomery.js";
import { numberToBytesLE } from "@noble/curves/utils.js";

import { compareBytes } from "../parts/bytes.ts";

const P = 2n ** 255n - 19n;

let curve: MontgomeryECDH | undefined;

/**
 * X25519 (RFC 7748), made at its first use.
 *
 * The library's ready-made one brings the Edwards curve with it, which takes longer to set up than a small
 * program takes to start; and only tickets need any curve at all.
 */
export function x25519(): MontgomeryECDH {
  curve ??= montgomery({
    P,
    type: "x25519",
    adjustScalarBytes: clamp,
    powPminus2: (x) => pow(x, P - 2n, P),
  });
  return curve;
}

/** The order of the base point. */
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/**
 * A multiple of eight, as every scalar of X25519 is, and one less than a multiple of the order: it takes a point of the
 * base point's group to its negative, which has the same number, and whatever else there is to something else.
 */
const MINUS_ONE = numberToBytesLE(5n * L - 1n, 32);

/**
 * Whether these are the bytes that X25519 makes of some private key: in the group of the base point, and in the one
 * spelling that RFC 7748 §5 writes.
 *
 * Other bytes can lead to the same shared secret. The highest bit is passed over, the number is taken modulo the
 * field's, and a point of low order that is added goes away with the factor eight.
 */
export function isX25519PublicKey(bytes: Uint8Array): boolean {
  try {
    return compareBytes(x25519().scalarMult(MINUS_ONE, bytes), bytes) === 0;
  } catch {
    return false; // a point of low order
  }
}

/** RFC 7748 §5. */
function clamp(bytes: Uint8Array): Uint8Array {
  const clamped = bytes.slice();
  clamped[0] = (clamped[0] ?? 0) & 248;
  clamped[31] = ((clamped[31] ?? 0) & 127) | 64;
  return clamped;
}

import { pow } from "@noble/curves/abstract/modular.js";
import { type MontgomeryECDH, montgomery } from "@noble/curves/abstract/montgomery.js";

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

/** RFC 7748 §5. */
function clamp(bytes: Uint8Array): Uint8Array {
  const clamped = bytes.slice();
  clamped[0] = (clamped[0] ?? 0) & 248;
  clamped[31] = ((clamped[31] ?? 0) & 127) | 64;
  return clamped;
}

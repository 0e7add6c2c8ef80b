import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";

import { x25519 } from "./x25519.ts";

/** The length of a Curve25519 key, private or public, in bytes. */
export const BOX_KEY_BYTES = 32;

/** The length of a box's nonce in bytes. */
export const BOX_NONCE_BYTES = 24;

/** The bytes by which a box is longer than its message. */
export const BOX_OVERHEAD = 16;

/** The public key of a Curve25519 private key (RFC 7748). */
export function boxPublicKey(privateKey: Uint8Array): Uint8Array {
  return x25519().getPublicKey(privateKey);
}

/**
 * Seals a message between two key pairs, as NaCl's `crypto_box` does. The nonce must never be used again.
 *
 * @returns undefined for a public key of low order: everybody knows the shared secret (RFC 7748 §6.1)
 */
export function sealBox(
  message: Uint8Array,
  nonce: Uint8Array,
  publicKey: Uint8Array,
  privateKey: Uint8Array,
): Uint8Array | undefined {
  const key = boxKey(publicKey, privateKey);
  return key && xsalsa20poly1305(key, nonce).encrypt(message);
}

/** Opens a box. @returns undefined for one that was not sealed for these keys, or was changed */
export function openBox(
  box: Uint8Array,
  nonce: Uint8Array,
  publicKey: Uint8Array,
  privateKey: Uint8Array,
): Uint8Array | undefined {
  const key = boxKey(publicKey, privateKey);
  if (key === undefined) return undefined;
  try {
    return xsalsa20poly1305(key, nonce).decrypt(box);
  } catch {
    return undefined;
  }
}

/** HSalsa20 of the shared secret: the key that both sides come to; undefined for a public key of low order. */
function boxKey(publicKey: Uint8Array, privateKey: Uint8Array): Uint8Array | undefined {
  let shared: Uint8Array;
  try {
    shared = x25519().getSharedSecret(privateKey, publicKey);
  } catch {
    return undefined;
  }
  const key = new Uint32Array(8);
  hsalsa(words(SIGMA), words(shared), new Uint32Array(4), key);
  return new Uint8Array(key.buffer);
}

// "expand 32-byte k", the constant of Salsa20.
const SIGMA = Uint8Array.from("expand 32-byte k", (character) => character.charCodeAt(0));

// Words in the machine's own order, which is how hsalsa takes them.
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.slice().buffer);
}

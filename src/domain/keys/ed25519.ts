import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";

/** Before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410 §7). */
const PKCS8 = Buffer.from("302e020100300506032b657004220420", "hex");

/** Bytes of the secret that a key is made of. */
export const SEED_BYTES = 32;

/** The Ed25519 key that signs. @param seed its secret, 32 bytes (RFC 8032 §5.1.5) */
export function signingKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: "der", type: "pkcs8" });
}

/** The public half of a key, 32 bytes. */
export function publicHalf(seed: Uint8Array): Uint8Array {
  const jwk = createPublicKey(signingKey(seed)).export({ format: "jwk" });
  return new Uint8Array(Buffer.from(jwk.x ?? "", "base64url"));
}

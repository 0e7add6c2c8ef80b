/** npm's `macaroon` and the NaCl that it brings along: a writer of macaroons and of tickets that shares no code with ours. */
import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";

import library from "macaroon";

/** The parts of `tweetnacl` that the vectors use. */
interface Nacl {
  box(message: Uint8Array, nonce: Uint8Array, publicKey: Uint8Array, secretKey: Uint8Array): Uint8Array;
  readonly scalarMult: { base(secretKey: Uint8Array): Uint8Array };
  setPRNG(fill: (bytes: Uint8Array, count: number) => void): void;
}

const here = createRequire(import.meta.url);
// The very copy that the library uses, which no dependency of ours names.
export const nacl: Nacl = createRequire(here.resolve("macaroon"))("tweetnacl");

export const jsMacaroon = library;

/** Runs `make` with nonces that are derived from `label`, so that it makes the same bytes again. */
export function withNonces<T>(label: string, nonceFor: (label: string) => Uint8Array, make: () => T): T {
  nacl.setPRNG((bytes, count) => bytes.set(nonceFor(label).subarray(0, count)));
  try {
    return make();
  } finally {
    nacl.setPRNG((bytes, count) => bytes.set(randomBytes(count)));
  }
}

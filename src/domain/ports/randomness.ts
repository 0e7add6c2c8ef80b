/** A cryptographically strong source of random bytes. */
export interface Randomness {
  /** @param length number of bytes */
  bytes(length: number): Uint8Array;
}

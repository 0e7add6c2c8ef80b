/**
 * HMAC-SHA256 (RFC 2104). Returns 32 fresh bytes.
 *
 * Nearly all time of a verification is spent here, so every keyed operation takes one, and a service can
 * put a faster one in the place of the portable default.
 */
export type Hmac = (key: Uint8Array, message: Uint8Array) => Uint8Array;

/** SHA-256. Returns 32 fresh bytes. */
export type Sha256 = (message: Uint8Array) => Uint8Array;

/**
 * Hashes a chain, link by link.
 *
 * The same as one {@link Hmac} after another and a {@link Sha256} for each name. But each tail is the next link's key, and
 * an implementation that knows may keep it as it needs it. It has a state, so one chain is walked at a time.
 */
export interface ChainHash {
  /** Makes these bytes the tail: at most 64. @throws MacaroonError for more */
  begin(tail: Uint8Array): void;
  /** Makes the HMAC of a message under the tail the next tail. Returns it, 32 fresh bytes. */
  step(message: Uint8Array): Uint8Array;
  /** The bytes of the revocation id that names a tail of 32 bytes: 16 fresh ones. Does not move the chain. */
  name(tail: Uint8Array): Uint8Array;
}

import type { Hmac, Sha256 } from "./hmac.ts";
import { NAME_PREFIX, nameOf } from "./revocation-id.ts";
import { portableChain } from "./sha256.ts";

/**
 * Hashes a chain, link by link.
 *
 * The same as one {@link Hmac} after another and a {@link Sha256} for each name. But each tail is the next link's key, and
 * an implementation that knows may keep it as it needs it. It has a state, so one chain is walked at a time.
 */
export interface ChainHash {
  /** Makes these bytes the tail; at most 64. */
  begin(tail: Uint8Array): void;
  /** Makes the HMAC of a message under the tail the next tail. Returns it, 32 fresh bytes. */
  step(message: Uint8Array): Uint8Array;
  /** The bytes of the revocation id that names a tail of 32 bytes: 16 fresh ones. Leaves the chain where it is. */
  name(tail: Uint8Array): Uint8Array;
}

/** Hashes a chain with functions of its two hashes. */
export function chainOf(hmac: Hmac, sha256: Sha256): ChainHash {
  let tail: Uint8Array = new Uint8Array();
  return {
    begin(bytes) {
      tail = bytes;
    },
    step(message) {
      tail = hmac(tail, message);
      return tail;
    },
    name: (of) => nameOf(of, sha256),
  };
}

/** The portable one. */
export const defaultChain: ChainHash = portableChain(NAME_PREFIX);

import { NAME_PREFIX, nameOf } from "./revocation-id.ts";
import { portableChain, requireChainKey } from "./sha256.ts";
import type { ChainHash, Hmac, Sha256 } from "./types.ts";

/** Hashes a chain with functions of its two hashes. */
export function chainOf(hmac: Hmac, sha256: Sha256): ChainHash {
  let tail: Uint8Array = new Uint8Array();
  return {
    begin(bytes) {
      requireChainKey(bytes);
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

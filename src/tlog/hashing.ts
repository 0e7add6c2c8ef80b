import type { Sha256 } from "../macaroon/index.ts";

/** Bytes of every hash in the tree. */
export const HASH_BYTES = 32;

// RFC 6962 §2.1: the prefixes keep a leaf from being taken for a node, and a node for a leaf.
const LEAF = 0x00;
const NODE = 0x01;

/** The hashes of a Merkle tree (RFC 6962 §2.1), over an implementation of SHA-256. */
export interface TreeHashing {
  /** The root of the tree without leaves. */
  empty(): Uint8Array;
  /** @param entry the bytes of a leaf */
  leaf(entry: Uint8Array): Uint8Array;
  node(left: Uint8Array, right: Uint8Array): Uint8Array;
}

/**
 * Makes the hashes of a Merkle tree.
 *
 * @example
 * const { leaf, node } = treeHashing(defaultSha256);
 * const root = node(leaf(first), leaf(second));
 */
export function treeHashing(sha256: Sha256): TreeHashing {
  return {
    empty: () => sha256(new Uint8Array()),
    leaf(entry) {
      const bytes = new Uint8Array(1 + entry.length);
      bytes[0] = LEAF;
      bytes.set(entry, 1);
      return sha256(bytes);
    },
    node(left, right) {
      const bytes = new Uint8Array(1 + 2 * HASH_BYTES);
      bytes[0] = NODE;
      bytes.set(left, 1);
      bytes.set(right, 1 + HASH_BYTES);
      return sha256(bytes);
    },
  };
}

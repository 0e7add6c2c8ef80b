import { MacaroonError } from "../parts/error.ts";
import { compress } from "./sha256-block.ts";
import type { ChainHash } from "./types.ts";

/** Bytes of a block, and of an HMAC key's pad (RFC 2104 §2). */
const BLOCK = 64;
const DIGEST = 32;
/** Bytes of a link's name. */
const NAME = 16;
const PREFIX_WORDS = 6;

const INNER_PAD = 0x36363636;
const OUTER_PAD = 0x5c5c5c5c;

/** FIPS 180-4, §5.3.3. */
const INITIAL = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/*
 * A chain of macaroons is many HMACs of short messages, each under the digest of the last. A general
 * implementation spends its time there on objects, copies and bytes that become words and bytes again; so this one
 * works on words in arrays that it has once. Nothing can interrupt it, and it calls nothing but itself.
 */
const state = new Int32Array(8);
const block = new Int32Array(16);
const key = new Int32Array(16);
const inner = new Int32Array(8);

/** SHA-256 (FIPS 180-4). Returns 32 fresh bytes. */
export function sha256(message: Uint8Array): Uint8Array {
  absorb(INITIAL, message, 0);
  return digest();
}

/** HMAC-SHA256 (RFC 2104, FIPS 198-1). Returns 32 fresh bytes. */
export function hmacSha256(secret: Uint8Array, message: Uint8Array): Uint8Array {
  loadKey(secret.length > BLOCK ? sha256(secret) : secret, key);
  hmacOf(key, message);
  return digest();
}

/** HMAC-SHA256 into the state. */
function hmacOf(secret: Int32Array, message: Uint8Array): void {
  pad(secret, INNER_PAD);
  absorb(state, message, BLOCK);
  for (let index = 0; index < 8; index++) inner[index] = word(state, index);
  pad(secret, OUTER_PAD);
  for (let index = 0; index < 8; index++) block[index] = word(inner, index);
  block[8] = 0x80000000;
  for (let index = 9; index < 15; index++) block[index] = 0;
  block[15] = (BLOCK + DIGEST) * 8;
  compress(state, block, state);
}

/**
 * The portable {@link ChainHash}. A tail stays in words from one link to the next: it is the next one's key.
 *
 * @param prefix the bytes before each tail in the hash that names it, 24 of them
 */
export function portableChain(prefix: readonly number[]): ChainHash {
  const tail = new Int32Array(16);
  const name = new Int32Array(16);
  loadKey(Uint8Array.from(prefix), name);
  name[PREFIX_WORDS + 8] = 0x80000000;
  const nameEnd = new Int32Array(16);
  nameEnd[15] = (4 * PREFIX_WORDS + DIGEST) * 8;
  return {
    begin(secret) {
      requireChainKey(secret);
      loadKey(secret, tail);
    },
    step(message) {
      hmacOf(tail, message);
      for (let index = 0; index < 8; index++) tail[index] = word(state, index);
      // The key that the chain began with may have been longer than a digest.
      tail.fill(0, 8);
      return digest();
    },
    name(of) {
      for (let index = 0; index < 8; index++) name[PREFIX_WORDS + index] = wordAt(of, 4 * index);
      compress(INITIAL, name, state);
      compress(state, nameEnd, state);
      return digest(NAME);
    },
  };
}

/**
 * Refuses a key that a {@link ChainHash} cannot begin with. HMAC hashes a key of more than a block first (RFC 2104 §2),
 * and a chain never has such a key.
 *
 * @throws MacaroonError
 */
export function requireChainKey(secret: Uint8Array): void {
  if (secret.length <= BLOCK) return;
  throw new MacaroonError("invalid_argument", `"tail" expected at most ${BLOCK} bytes, got ${secret.length}`);
}

/** Begins a hash with the key's pad. */
function pad(secret: Int32Array, bits: number): void {
  for (let index = 0; index < 16; index++) block[index] = word(secret, index) ^ bits;
  compress(INITIAL, block, state);
}

function loadKey(secret: Uint8Array, into: Int32Array): void {
  into.fill(0);
  for (let at = 0; at < secret.length; at++) {
    into[at >> 2] = word(into, at >> 2) | (byte(secret, at) << (24 - 8 * (at & 3)));
  }
}

/**
 * Hashes all of a message and its padding into the state.
 *
 * @param from the state before it
 * @param before bytes that are hashed already, in whole blocks
 */
function absorb(from: Int32Array, message: Uint8Array, before: number): void {
  let current = from;
  let at = 0;
  for (; at + BLOCK <= message.length; at += BLOCK) {
    for (let index = 0; index < 16; index++) block[index] = wordAt(message, at + 4 * index);
    compress(current, block, state);
    current = state;
  }
  let index = 0;
  for (; at + 4 <= message.length; at += 4) block[index++] = wordAt(message, at);
  // From behind: the mark that ends the message, then before it the rest of its bytes.
  let last = 0x80000000;
  for (let end = message.length - 1; end >= at; end--) last = (last >>> 8) | (byte(message, end) << 24);
  block[index++] = last;
  if (index > 14) {
    while (index < 16) block[index++] = 0;
    compress(current, block, state);
    current = state;
    index = 0;
  }
  while (index < 14) block[index++] = 0;
  const length = before + message.length;
  block[14] = Math.floor(length / 0x20000000);
  block[15] = length << 3;
  compress(current, block, state);
}

/** The state's first bytes, which are all unless said. */
function digest(length = DIGEST): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let index = 0, at = 0; at < length; index++) {
    const next = word(state, index);
    bytes[at++] = next >>> 24;
    bytes[at++] = next >>> 16;
    bytes[at++] = next >>> 8;
    bytes[at++] = next;
  }
  return bytes;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return (
    (byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3)
  );
}

/** Every index is below the length. */
function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function word(words: Int32Array, index: number): number {
  return words[index] as number;
}

import { createHash, createHmac, hash } from "node:crypto";

import { type ChainHash, type Hmac, NAME_PREFIX, requireChainKey } from "../../macaroon/index.ts";

// SHA-256 works on blocks of this many bytes, and so does HMAC (RFC 2104 §2).
const BLOCK = 64;
const DIGEST = 32;
/** Bytes of a link's name. */
const NAME = 16;
/** Longest message that the scratch holds: a caveat at its limit. */
const LONGEST = 4096;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

/*
 * HMAC is two hashes: outer pad ‖ hash(inner pad ‖ message). Done by hand with the one-shot `crypto.hash`, it takes
 * a quarter of the time of `createHmac`, which makes and later collects a native object for each call: and along a
 * chain each key is new, so that nothing can be kept from one call to the next. A digest as a latin1 string takes a
 * third of the time of one as a Buffer, and its characters go straight to where they are needed next: onto both
 * pads, as the next link's key.
 */
const inner = Buffer.alloc(BLOCK + LONGEST, INNER_PAD);
const outer = Buffer.alloc(BLOCK + DIGEST, OUTER_PAD);
const named = Buffer.from([...NAME_PREFIX, ...new Uint8Array(DIGEST)]);

/** Whether the pads hold a key longer than a digest, whose end the next key would leave there. */
let holdsLongKey = false;

/** A view on the scratch for each length of message. It is made once, because a new view costs as much as a hash. */
const views: (Buffer | undefined)[] = new Array<Buffer | undefined>(LONGEST + 1).fill(undefined);

function innerOf(length: number): Buffer {
  const view = views[length] ?? inner.subarray(0, BLOCK + length);
  views[length] = view;
  return view;
}

/** Hashes a message under the key that is on the pads, and puts the outcome on the pads as the next key. */
function step(message: Uint8Array): Uint8Array {
  const { length } = message;
  if (length > LONGEST) {
    const whole = createHash("sha256").update(inner.subarray(0, BLOCK)).update(message);
    return next(whole.digest("latin1"));
  }
  for (let at = 0; at < length; at++) inner[BLOCK + at] = message[at] as number;
  return next(hash("sha256", innerOf(length), "latin1"));
}

/** The second hash. @param digest the first one's, a character a byte */
function next(digest: string): Uint8Array {
  for (let at = 0; at < DIGEST; at++) outer[BLOCK + at] = digest.charCodeAt(at);
  const text = hash("sha256", outer, "latin1");
  const tail = new Uint8Array(DIGEST);
  for (let at = 0; at < DIGEST; at++) {
    const byte = text.charCodeAt(at);
    tail[at] = byte;
    inner[at] = byte ^ INNER_PAD;
    outer[at] = byte ^ OUTER_PAD;
  }
  if (holdsLongKey) {
    inner.fill(INNER_PAD, DIGEST, BLOCK);
    outer.fill(OUTER_PAD, DIGEST, BLOCK);
    holdsLongKey = false;
  }
  return tail;
}

function begin(key: Uint8Array): void {
  requireChainKey(key);
  for (let at = 0; at < key.length; at++) {
    inner[at] = (key[at] as number) ^ INNER_PAD;
    outer[at] = (key[at] as number) ^ OUTER_PAD;
  }
  for (let at = key.length; at < BLOCK; at++) {
    inner[at] = INNER_PAD;
    outer[at] = OUTER_PAD;
  }
  holdsLongKey = key.length > DIGEST;
}

function name(tail: Uint8Array): Uint8Array {
  for (let at = 0; at < DIGEST; at++) named[NAME_PREFIX.length + at] = tail[at] as number;
  return bytesOf(hash("sha256", named, "latin1"), NAME);
}

function bytesOf(digest: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = digest.charCodeAt(at);
  return bytes;
}

/** Chains by OpenSSL. The process has one, because nothing can interrupt the walk of a chain. */
export const nodeChain: ChainHash = { begin, step, name };

/** HMAC-SHA256 by OpenSSL. */
export const nodeHmac: Hmac = (key, message) => {
  if (key.length > BLOCK) return new Uint8Array(createHmac("sha256", key).update(message).digest());
  begin(key);
  return step(message);
};

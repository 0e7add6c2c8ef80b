import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";

import { decodeBase64, encodeBase64Url } from "../parts/base64.ts";
import { expectLength, MacaroonError } from "../parts/error.ts";
import { SIGNATURE_BYTES } from "../parts/macaroon.ts";
import { defaultSha256 } from "./hmac.ts";
import type { Sha256 } from "./types.ts";

const PREFIX = concatBytes(utf8ToBytes("bakehouse revocation v1"), Uint8Array.of(0));
const REVOCATION_ID_BYTES = 16;
const REVOCATION_ID_LENGTH = 22;

/** Names one link of a chain, and with it all that descends from that link. Gives no power. */
export interface RevocationId {
  /** 16 bytes. */
  readonly bytes: Uint8Array;
  /** The same as base64url, 22 characters. */
  readonly text: string;
}

/** Writes the text when it is first asked for: many links are looked up by their bytes and never shown. */
class LinkName implements RevocationId {
  readonly bytes: Uint8Array;
  #text: string | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get text(): string {
    this.#text ??= encodeBase64Url(this.bytes);
    return this.#text;
  }
}

/** The prefix of the hash that names a link: 24 bytes, before the tail. */
export const NAME_PREFIX: readonly number[] = [...PREFIX];

// Tails have one length, so the hashed message is written into one place.
const message = new Uint8Array(PREFIX.length + SIGNATURE_BYTES);
message.set(PREFIX);

/** The bytes of a tail's revocation id. */
export function nameOf(tail: Uint8Array, sha256: Sha256): Uint8Array {
  message.set(tail, PREFIX.length);
  return sha256(message).slice(0, REVOCATION_ID_BYTES);
}

/**
 * Names the link that a tail ends.
 *
 * A hash, because the tail itself is the less attenuated macaroon to anybody who knows its caveats.
 *
 * @param tail 32 bytes
 */
export function revocationId(tail: Uint8Array): RevocationId {
  expectLength("tail", tail, SIGNATURE_BYTES);
  return new LinkName(nameOf(tail, defaultSha256));
}

/** A revocation id from its 16 bytes. */
export function namedBy(bytes: Uint8Array): RevocationId {
  return new LinkName(bytes);
}

/** Reads a revocation id's text; undefined if it is none, or not spelled as it is written here. */
export function parseRevocationId(text: string): RevocationId | undefined {
  if (text.length !== REVOCATION_ID_LENGTH) return undefined;
  try {
    const bytes = decodeBase64(text);
    return encodeBase64Url(bytes) === text ? new LinkName(bytes) : undefined;
  } catch (error) {
    if (error instanceof MacaroonError) return undefined;
    throw error;
  }
}

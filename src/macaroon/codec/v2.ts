import { concat, toBytes, toLocation } from "../parts/bytes.ts";
import { malformed } from "../parts/error.ts";
import { checkCaveatCount, checkCaveatSize, checkFieldSize, type Limits } from "../parts/limits.ts";
import {
  makeCaveat,
  makeMacaroon,
  SIGNATURE_BYTES,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../parts/macaroon.ts";
import { type ByteReader, encodeUvarint, readByte, readBytes, readUvarint } from "../parts/uvarint.ts";

/** The first byte of every v2 macaroon. */
export const V2_VERSION = 2;

const END = 0;
const LOCATION = 1;
const IDENTIFIER = 2;
const VERIFICATION_ID = 4;
const SIGNATURE = 6;

/**
 * Reads one v2 macaroon (libmacaroons doc/format.txt) and leaves the reader behind it.
 *
 * A header section, a section for each caveat, an empty section, the signature. Fields stand in rising
 * order and none twice. Every macaroon that is read is written back as the very same bytes by {@link encodeV2}.
 *
 * @throws MacaroonError
 */
export function readV2(reader: ByteReader, limits: Limits): UnverifiedMacaroon {
  if (readByte(reader) !== V2_VERSION) malformed("not a v2 macaroon");
  const location = readOptional(reader, LOCATION, limits);
  const identifier = readRequired(reader, IDENTIFIER, "identifier", limits);
  readEnd(reader);
  const { caveats, signature } = readV2Behind(reader, 0, limits);
  return makeMacaroon(location && toLocation(location), identifier, caveats, signature);
}

/** The part of a macaroon behind its header, or behind some of its caveats. */
export interface V2Behind {
  readonly caveats: readonly UnverifiedCaveat[];
  readonly signature: Uint8Array;
}

/**
 * Reads the rest of a v2 macaroon, and leaves the reader behind it.
 *
 * @param before how many caveats stand before
 * @throws MacaroonError
 */
export function readV2Behind(reader: ByteReader, before: number, limits: Limits): V2Behind {
  const caveats: UnverifiedCaveat[] = [];
  while (peek(reader) !== END) {
    checkCaveatCount(before + caveats.length + 1, limits);
    caveats.push(readCaveat(reader, limits));
  }
  readEnd(reader);
  if (readByte(reader) !== SIGNATURE) malformed("no signature where one is due");
  if (readUvarint(reader) !== SIGNATURE_BYTES) malformed(`signature is not ${SIGNATURE_BYTES} bytes`);
  return { caveats, signature: readBytes(reader, SIGNATURE_BYTES) };
}

function readCaveat(reader: ByteReader, limits: Limits): UnverifiedCaveat {
  const location = readOptional(reader, LOCATION, limits);
  const id = readRequired(reader, IDENTIFIER, "caveat", limits);
  const verificationId = readOptional(reader, VERIFICATION_ID, limits);
  readEnd(reader);
  const caveat = makeCaveat(id, verificationId, location && toLocation(location));
  checkCaveatSize(caveat, limits);
  return caveat;
}

/** The next field's type, which is one byte for all types that there are. */
function peek(reader: ByteReader): number {
  return reader.bytes[reader.offset] ?? malformed("data ends early");
}

function readOptional(reader: ByteReader, type: number, limits: Limits): Uint8Array | undefined {
  if (peek(reader) !== type) return undefined;
  reader.offset++;
  const length = readUvarint(reader);
  const bytes = readBytes(reader, length);
  checkFieldSize("field", length, limits);
  return bytes;
}

function readRequired(reader: ByteReader, type: number, name: string, limits: Limits): Uint8Array {
  return readOptional(reader, type, limits) ?? malformed(`no ${name} where one is due`);
}

function readEnd(reader: ByteReader): void {
  if (readByte(reader) !== END) malformed("field that is unknown, doubled or out of order");
}

/** Writes a macaroon as v2. */
export function encodeV2(macaroon: UnverifiedMacaroon): Uint8Array {
  const parts = [Uint8Array.of(V2_VERSION)];
  pushLocation(parts, macaroon.location);
  pushField(parts, IDENTIFIER, macaroon.identifier);
  parts.push(Uint8Array.of(END));
  for (const caveat of macaroon.unverifiedCaveats) {
    pushLocation(parts, caveat.location);
    pushField(parts, IDENTIFIER, caveat.id);
    if (caveat.verificationId !== undefined) pushField(parts, VERIFICATION_ID, caveat.verificationId);
    parts.push(Uint8Array.of(END));
  }
  parts.push(Uint8Array.of(END));
  pushField(parts, SIGNATURE, macaroon.signature);
  return concat(...parts);
}

function pushLocation(parts: Uint8Array[], location: string | undefined): void {
  if (location !== undefined) pushField(parts, LOCATION, toBytes(location));
}

function pushField(parts: Uint8Array[], type: number, bytes: Uint8Array): void {
  parts.push(Uint8Array.of(type), encodeUvarint(bytes.length), bytes);
}

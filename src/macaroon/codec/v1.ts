import { concat, toBytes, toLocation } from "../parts/bytes.ts";
import { malformed, tooLarge } from "../parts/error.ts";
import { checkCaveatCount, checkCaveatSize, checkFieldSize, type Limits } from "../parts/limits.ts";
import {
  makeCaveat,
  makeMacaroon,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../parts/macaroon.ts";
import { type ByteReader, readByte, readBytes } from "../parts/uvarint.ts";

const NEWLINE = 0x0a;
const SPACE = 0x20;
const LENGTH_DIGITS = 4;
const LONGEST_PACKET = 0xffff;

interface Packet {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * Reads one v1 macaroon and leaves the reader behind it.
 *
 * A row of packets: four lower-case hex digits that count the whole packet, a key, a space, the value, a
 * newline. The keys are `location`, `identifier`, then `cid` [`vid`] [`cl`] for each caveat, then
 * `signature`. A location is never absent here, only empty. Every macaroon that is read is written back as the very
 * same bytes by {@link encodeV1}.
 *
 * @throws MacaroonError
 */
export function readV1(reader: ByteReader, limits: Limits): UnverifiedMacaroon {
  const location = expectPacket(readPacket(reader), "location");
  checkFieldSize("location", location.length, limits);
  const identifier = expectPacket(readPacket(reader), "identifier");
  checkFieldSize("identifier", identifier.length, limits);
  const caveats: UnverifiedCaveat[] = [];
  let packet = readPacket(reader);
  while (packet.key === "cid") {
    checkCaveatCount(caveats.length + 1, limits);
    const id = packet.value;
    packet = readPacket(reader);
    const verificationId = packet.key === "vid" ? packet.value : undefined;
    if (verificationId !== undefined) packet = readPacket(reader);
    const hint = packet.key === "cl" ? packet.value : undefined;
    if (hint !== undefined) packet = readPacket(reader);
    checkFieldSize("location", hint?.length ?? 0, limits);
    const caveat = makeCaveat(id, verificationId, hint && toLocation(hint));
    checkCaveatSize(caveat, limits);
    caveats.push(caveat);
  }
  const signature = expectPacket(packet, "signature");
  return makeMacaroon(toLocation(location), identifier, caveats, signature);
}

function expectPacket(packet: Packet, key: string): Uint8Array {
  return packet.key === key ? packet.value : malformed(`no ${key} packet where one is due`);
}

function readPacket(reader: ByteReader): Packet {
  let length = 0;
  for (let index = 0; index < LENGTH_DIGITS; index++) length = length * 16 + hexValue(readByte(reader));
  // A packet of length 0 is one on which libmacaroons loops for ever.
  if (length < LENGTH_DIGITS) malformed("packet shorter than its own length");
  const body = readBytes(reader, length - LENGTH_DIGITS);
  const space = body.indexOf(SPACE);
  if (space < 0) malformed("packet without a space");
  if (body[body.length - 1] !== NEWLINE) malformed("packet without a newline at its end");
  // No key is longer than `identifier`; a longer one is unknown, and not worth turning into text.
  const key = space <= 10 ? String.fromCharCode(...body.subarray(0, space)) : "";
  return { key, value: body.subarray(space + 1, -1) };
}

function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  if (byte >= 0x61 && byte <= 0x66) return byte - 0x61 + 10;
  return malformed("packet length is not lower-case hexadecimal");
}

/** Whether a binary may be v1: only a hex digit can begin one. */
export function looksLikeV1(first: number): boolean {
  return (first >= 0x30 && first <= 0x39) || (first >= 0x61 && first <= 0x66);
}

/**
 * Writes a macaroon as v1. A location that is absent becomes an empty one.
 *
 * @throws MacaroonError if a field does not fit into a packet
 */
export function encodeV1(macaroon: UnverifiedMacaroon): Uint8Array {
  const parts = [
    packet("location", toBytes(macaroon.location ?? "")),
    packet("identifier", macaroon.identifier),
  ];
  for (const caveat of macaroon.unverifiedCaveats) {
    parts.push(packet("cid", caveat.id));
    if (caveat.verificationId !== undefined) parts.push(packet("vid", caveat.verificationId));
    if (caveat.location !== undefined) parts.push(packet("cl", toBytes(caveat.location)));
  }
  parts.push(packet("signature", macaroon.signature));
  return concat(...parts);
}

function packet(key: string, value: Uint8Array): Uint8Array {
  const length = LENGTH_DIGITS + key.length + 1 + value.length + 1;
  if (length > LONGEST_PACKET) tooLarge(`packet of more than ${LONGEST_PACKET} bytes`);
  const head = toBytes(`${length.toString(16).padStart(LENGTH_DIGITS, "0")}${key} `);
  return concat(head, value, Uint8Array.of(NEWLINE));
}

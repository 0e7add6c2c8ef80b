import { compareBytes, concat, copyOf, toBytes, toText } from "../parts/bytes.ts";
import { expectLength, MacaroonError, malformed, tooLarge } from "../parts/error.ts";
import { checkFieldSize, LIMITS, type LowerLimits, limitsWith } from "../parts/limits.ts";
import { type ByteReader, encodeUvarint, readByte, readBytes, readUvarint } from "../parts/uvarint.ts";
import { BOX_KEY_BYTES, BOX_NONCE_BYTES, BOX_OVERHEAD, boxPublicKey, openBox, sealBox } from "./box.ts";
import { readTicketV1, readTicketV1Secret } from "./ticket-v1.ts";
import { isX25519PublicKey } from "./x25519.ts";

const HINT_BYTES = 4;
const HEAD_BYTES = 1 + HINT_BYTES + BOX_KEY_BYTES + BOX_NONCE_BYTES;
const V1_FIRST = 0x65;

/** A ticket that was made for us, opened. Its writer chose the condition. */
export interface OpenedTicket {
  readonly version: 1 | 2 | 3;
  readonly condition: string;
  /** The key that the discharge is minted with. The ticket's writer knows it too. */
  readonly caveatKey: Uint8Array;
  /** The writer's key, or an ephemeral key of theirs. */
  readonly firstPartyPublicKey: Uint8Array;
  /** macaroon-bakery's prefixes for standard conditions; only version 3 has it. */
  readonly namespace?: string;
}

/**
 * The outcome of opening a ticket.
 *
 * `wrong_key`: made for another key. `payload_missing`: the short id that a bakery client sends beside a
 * payload, without the payload. `cannot_open`: made for this key by its own word, but changed or made up.
 */
export type TicketOpening =
  | { readonly ok: true; readonly ticket: OpenedTicket }
  | {
      readonly ok: false;
      readonly code: "malformed" | "too_large" | "wrong_key" | "payload_missing" | "cannot_open";
      readonly detail: string;
    };

/** A ticket's parts in the clear. */
export interface SealedTicket {
  readonly version: 1 | 2 | 3;
  /** The start of the public key for which it is made. */
  readonly thirdPartyKey: Uint8Array;
  readonly firstPartyPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
}

interface TicketSecret {
  readonly condition: string;
  readonly caveatKey: Uint8Array;
  readonly namespace?: string;
}

/**
 * Opens a ticket in macaroon-bakery's format (its `bakery/codec.go`), version 1, 2 or 3.
 *
 * Version 1 is base64 of JSON. Versions 2 and 3 are the version byte, four bytes of the third party's public
 * key, the first party's, a nonce, and a NaCl box. Never throws for anything that a sender wrote.
 *
 * A ticket of version 2 or 3 opens in its writer's bytes alone. Version 1 is JSON, and has as many spellings as that has.
 *
 * @param privateKey the third party's Curve25519 key, 32 bytes
 */
export function openTicket(ticket: Uint8Array, privateKey: Uint8Array, limits?: LowerLimits): TicketOpening {
  expectLength("privateKey", privateKey, BOX_KEY_BYTES);
  const most = limitsWith(limits);
  try {
    checkFieldSize("ticket", ticket.length, most);
    if (isPayloadMissing(ticket)) {
      return { ok: false, code: "payload_missing", detail: "ticket is an id without its payload" };
    }
    const sealed = ticket[0] === V1_FIRST ? readTicketV1(ticket) : readTicket(ticket);
    const ours = boxPublicKey(privateKey);
    if (compareBytes(sealed.thirdPartyKey, ours.subarray(0, sealed.thirdPartyKey.length)) !== 0) {
      return { ok: false, code: "wrong_key", detail: "ticket is made for another key" };
    }
    const { version, firstPartyPublicKey } = sealed;
    const plain = openBox(sealed.box, sealed.nonce, firstPartyPublicKey, privateKey);
    if (plain === undefined) return { ok: false, code: "cannot_open", detail: "ticket does not open" };
    // Whoever knows a ticket could write it with another key that opens it, and it would pass for another ticket.
    if (!isX25519PublicKey(firstPartyPublicKey)) malformed("ticket whose writer's key nobody made");
    const secret = version === 1 ? readTicketV1Secret(plain) : readSecret(plain, version);
    return { ok: true, ticket: { version, firstPartyPublicKey, ...secret } };
  } catch (error) {
    if (!(error instanceof MacaroonError) || error.code === "invalid_argument") throw error;
    return { ok: false, code: error.code, detail: error.message };
  }
}

/** Whether this is the short id that bakery version 3 puts into a macaroon, its payload beside it. */
function isPayloadMissing(ticket: Uint8Array): boolean {
  return ticket[0] === 3 && ticket.length <= HEAD_BYTES + BOX_OVERHEAD;
}

function readTicket(ticket: Uint8Array): SealedTicket {
  const reader: ByteReader = { bytes: copyOf(ticket), offset: 0 };
  const version = readByte(reader);
  if (version !== 2 && version !== 3) malformed("unknown ticket version");
  const thirdPartyKey = readBytes(reader, HINT_BYTES);
  const firstPartyPublicKey = readBytes(reader, BOX_KEY_BYTES);
  const nonce = readBytes(reader, BOX_NONCE_BYTES);
  const box = readBytes(reader, ticket.length - HEAD_BYTES);
  return { version, thirdPartyKey, firstPartyPublicKey, nonce, box };
}

function readSecret(plain: Uint8Array, version: 2 | 3): TicketSecret {
  const reader: ByteReader = { bytes: plain, offset: 0 };
  if (readByte(reader) !== version) malformed("ticket of one version inside another");
  const caveatKey = readBytes(reader, readUvarint(reader)).slice();
  if (caveatKey.length === 0) malformed("ticket with an empty key");
  const namespace = version === 3 ? toText(readBytes(reader, readUvarint(reader))) : "";
  const condition = toText(plain.subarray(reader.offset));
  if (namespace === undefined || condition === undefined) malformed("ticket text is not utf-8");
  return version === 3 ? { condition, caveatKey, namespace } : { condition, caveatKey };
}

/** The parts of a new ticket. */
export interface SealTicketOptions {
  readonly version: 2 | 3;
  /** The third party's Curve25519 public key, 32 bytes. */
  readonly thirdPartyPublicKey: Uint8Array;
  /** The writer's Curve25519 private key, 32 bytes, best made for this ticket and then forgotten. */
  readonly firstPartyPrivateKey: Uint8Array;
  /** 24 random bytes, never used before. */
  readonly nonce: Uint8Array;
  readonly caveatKey: Uint8Array;
  readonly condition: string;
  /** Version 3's prefixes; `std:` unless said, which macaroon-bakery's clients take for none. */
  readonly namespace?: string;
}

/**
 * Makes a ticket that {@link openTicket} and macaroon-bakery open.
 *
 * @throws MacaroonError for an argument of the wrong length, a public key of low order, or a ticket over the limits
 */
export function sealTicket(options: SealTicketOptions): Uint8Array {
  const ticket = trySealTicket(options);
  if (ticket !== undefined) return ticket;
  throw new MacaroonError("invalid_argument", `"thirdPartyPublicKey" is a point of low order`);
}

/**
 * As {@link sealTicket}, for a public key of unknown origin.
 *
 * @returns undefined for a public key of low order
 */
export function trySealTicket(options: SealTicketOptions): Uint8Array | undefined {
  const { version, thirdPartyPublicKey, firstPartyPrivateKey, nonce, caveatKey, condition } = options;
  expectLength("thirdPartyPublicKey", thirdPartyPublicKey, BOX_KEY_BYTES);
  expectLength("firstPartyPrivateKey", firstPartyPrivateKey, BOX_KEY_BYTES);
  expectLength("nonce", nonce, BOX_NONCE_BYTES);
  if (caveatKey.length === 0) throw new MacaroonError("invalid_argument", `"caveatKey" is empty`);
  const namespace = version === 3 ? [lengthPrefixed(toBytes(options.namespace ?? "std:"))] : [];
  const versionByte = Uint8Array.of(version);
  const plain = concat(versionByte, lengthPrefixed(caveatKey), ...namespace, toBytes(condition));
  const hint = thirdPartyPublicKey.subarray(0, HINT_BYTES);
  const head = concat(versionByte, hint, boxPublicKey(firstPartyPrivateKey), nonce);
  if (head.length + plain.length + BOX_OVERHEAD > LIMITS.caveatBytes)
    tooLarge("ticket too large for a caveat");
  const box = sealBox(plain, nonce, thirdPartyPublicKey, firstPartyPrivateKey);
  return box && concat(head, box);
}

function lengthPrefixed(bytes: Uint8Array): Uint8Array {
  return concat(encodeUvarint(bytes.length), bytes);
}

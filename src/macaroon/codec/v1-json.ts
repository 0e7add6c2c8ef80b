import type { JsonValue } from "../../json/value.ts";
import { decodeBase64, encodeBase64Url } from "../parts/base64.ts";
import { toBytes, toText } from "../parts/bytes.ts";
import { MacaroonError, malformed } from "../parts/error.ts";
import { checkCaveatCount, checkCaveatSize, checkMacaroon, type Limits } from "../parts/limits.ts";
import {
  makeCaveat,
  makeMacaroon,
  SIGNATURE_BYTES,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../parts/macaroon.ts";
import { expectObject, optionalArray, optionalString, requiredString } from "./json-member.ts";
import {
  goString,
  type JsonSpelling,
  member,
  objectOf,
  plainString,
  type StringWriter,
  slashString,
} from "./json-text.ts";

const MEMBERS = new Set(["location", "identifier", "caveats", "signature"]);
const CAVEAT_MEMBERS = new Set(["cid", "vid", "cl"]);
const HEX_SIGNATURE = /^[0-9a-f]{64}$/;
const WRITERS: Readonly<Record<JsonSpelling, StringWriter>> = {
  plain: plainString,
  libmacaroons: slashString,
  go: goString,
};

/** Whether a JSON object is v1: no member name is in both versions. */
export function looksLikeV1Json(value: JsonValue): boolean {
  return value instanceof Map && (value.has("identifier") || value.has("signature"));
}

/**
 * Reads a v1 JSON macaroon. Ids are texts, and the location is never absent, only empty.
 *
 * @throws MacaroonError
 */
export function readV1Json(value: JsonValue, limits: Limits): UnverifiedMacaroon {
  const members = expectObject(value, MEMBERS);
  const items = optionalArray(members, "caveats");
  checkCaveatCount(items.length, limits);
  const macaroon = makeMacaroon(
    requiredString(members, "location", limits),
    toBytes(requiredString(members, "identifier", limits)),
    items.map((item) => readCaveat(item, limits)),
    readSignature(requiredString(members, "signature", limits)),
  );
  checkMacaroon(macaroon, limits);
  return macaroon;
}

function readCaveat(value: JsonValue, limits: Limits): UnverifiedCaveat {
  const members = expectObject(value, CAVEAT_MEMBERS);
  const verificationId = optionalString(members, "vid", limits);
  const caveat = makeCaveat(
    toBytes(requiredString(members, "cid", limits)),
    verificationId === undefined ? undefined : decodeBase64(verificationId),
    optionalString(members, "cl", limits),
  );
  checkCaveatSize(caveat, limits);
  return caveat;
}

function readSignature(text: string): Uint8Array {
  if (!HEX_SIGNATURE.test(text)) malformed("signature is not 64 lower-case hexadecimal digits");
  const bytes = new Uint8Array(SIGNATURE_BYTES);
  for (let index = 0; index < SIGNATURE_BYTES; index++) {
    bytes[index] = Number.parseInt(text.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}

/**
 * Writes a macaroon as v1 JSON: `{"caveats","location","identifier","signature"}`, as libmacaroons and
 * go-macaroon order it. A location that is absent becomes an empty one. A text that one of those libraries
 * wrote, and that is read here, is written back under its spelling to the letter.
 *
 * @throws MacaroonError for an id that is not UTF-8: this format has no way to write it
 */
export function encodeV1Json(macaroon: UnverifiedMacaroon, spelling: JsonSpelling = "plain"): string {
  const write = WRITERS[spelling];
  const caveats = macaroon.unverifiedCaveats.map((caveat) => encodeCaveat(caveat, write));
  const signature = Array.from(macaroon.signature, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return objectOf([
    `"caveats":[${caveats.join(",")}]`,
    ...member("location", write(macaroon.location ?? "")),
    ...member("identifier", write(expectText("identifier", macaroon.identifier))),
    ...member("signature", `"${signature}"`),
  ]);
}

function encodeCaveat(caveat: UnverifiedCaveat, write: StringWriter): string {
  const { verificationId, location } = caveat;
  return objectOf([
    ...member("cid", write(expectText("caveat", caveat.id))),
    ...member("vid", verificationId && `"${encodeBase64Url(verificationId)}"`),
    ...member("cl", location === undefined ? undefined : write(location)),
  ]);
}

function expectText(name: string, bytes: Uint8Array): string {
  const text = toText(bytes);
  if (text === undefined) throw new MacaroonError("invalid_argument", `${name} is not utf-8`);
  return text;
}

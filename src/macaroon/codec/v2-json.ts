import { JsonNumber, type JsonObject, type JsonValue } from "../../json/value.ts";
import { encodeBase64Url } from "../parts/base64.ts";
import { malformed } from "../parts/error.ts";
import { checkCaveatCount, checkCaveatSize, checkMacaroon, type Limits } from "../parts/limits.ts";
import {
  makeCaveat,
  makeMacaroon,
  type UnverifiedCaveat,
  type UnverifiedMacaroon,
} from "../parts/macaroon.ts";
import { expectObject, optionalArray, optionalBytes, optionalString } from "./json-member.ts";
import {
  goString,
  type JsonSpelling,
  member,
  objectOf,
  plainString,
  readableText,
  type StringWriter,
} from "./json-text.ts";

const MEMBERS = new Set(["v", "l", "i", "i64", "c", "s", "s64"]);
const CAVEAT_MEMBERS = new Set(["l", "i", "i64", "v", "v64"]);

/**
 * Reads a v2 JSON macaroon (libmacaroons doc/format.txt).
 *
 * `v` is the number 2, the string "2", or absent, for libraries write all three. `c` may be absent.
 *
 * @throws MacaroonError
 */
export function readV2Json(value: JsonValue, limits: Limits): UnverifiedMacaroon {
  const members = expectObject(value, MEMBERS);
  checkVersion(members);
  const items = optionalArray(members, "c");
  checkCaveatCount(items.length, limits);
  const macaroon = makeMacaroon(
    optionalString(members, "l", limits),
    optionalBytes(members, "i", limits) ?? malformed("no identifier where one is due"),
    items.map((item) => readCaveat(item, limits)),
    optionalBytes(members, "s", limits) ?? malformed("no signature where one is due"),
  );
  checkMacaroon(macaroon, limits);
  return macaroon;
}

function checkVersion(members: JsonObject): void {
  const version = members.get("v");
  if (version === undefined || version === "2") return;
  if (version instanceof JsonNumber && version.text === "2") return;
  malformed("json version is not 2");
}

function readCaveat(value: JsonValue, limits: Limits): UnverifiedCaveat {
  const members = expectObject(value, CAVEAT_MEMBERS);
  const caveat = makeCaveat(
    optionalBytes(members, "i", limits) ?? malformed("no caveat id where one is due"),
    optionalBytes(members, "v", limits),
    optionalString(members, "l", limits),
  );
  checkCaveatSize(caveat, limits);
  return caveat;
}

/**
 * Writes a macaroon as v2 JSON.
 *
 * `plain` and `libmacaroons` give `{"v":2,"l","i","c","s64"}`, always with `c`, without which libmacaroons
 * refuses; `go` gives `{"c","l","i","s64"}` without empty members. An id that is no text, or holds a NUL, is
 * `i64`; `go` keeps the NUL. A text that one of those libraries wrote, and that is read here, is written
 * back under its spelling to the letter; any other text as one of the same meaning.
 */
export function encodeV2Json(macaroon: UnverifiedMacaroon, spelling: JsonSpelling = "plain"): string {
  const go = spelling === "go";
  const write = go ? goString : plainString;
  const location = go ? macaroon.location || undefined : macaroon.location;
  const caveats = macaroon.unverifiedCaveats.map((caveat) => encodeCaveat(caveat, spelling, write));
  const head = member("l", location === undefined ? undefined : write(location));
  const identifier = bytesMember("i", macaroon.identifier, spelling, write);
  const list = go && caveats.length === 0 ? [] : [`"c":[${caveats.join(",")}]`];
  const signature = member("s64", `"${encodeBase64Url(macaroon.signature)}"`);
  if (go) return objectOf([...list, ...head, ...identifier, ...signature]);
  return objectOf([`"v":2`, ...head, ...identifier, ...list, ...signature]);
}

function encodeCaveat(caveat: UnverifiedCaveat, spelling: JsonSpelling, write: StringWriter): string {
  const { verificationId, location } = caveat;
  return objectOf([
    ...bytesMember("i", caveat.id, spelling, write),
    ...member("v64", verificationId && `"${encodeBase64Url(verificationId)}"`),
    ...member("l", location === undefined ? undefined : write(location)),
  ]);
}

function bytesMember(name: string, bytes: Uint8Array, spelling: JsonSpelling, write: StringWriter): string[] {
  const text = readableText(bytes, spelling);
  return text === undefined ? member(`${name}64`, `"${encodeBase64Url(bytes)}"`) : member(name, write(text));
}

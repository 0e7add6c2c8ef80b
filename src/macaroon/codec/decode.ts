import { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import type { JsonValue } from "../../json/value.ts";
import { decodeBase64 } from "../parts/base64.ts";
import { copyOf, toText } from "../parts/bytes.ts";
import { MacaroonError, malformed, tooLarge } from "../parts/error.ts";
import { checkDischargeCount, type Limits, type LowerLimits, limitsWith } from "../parts/limits.ts";
import type { UnverifiedMacaroon } from "../parts/macaroon.ts";
import type { ByteReader } from "../parts/uvarint.ts";
import { looksLikeV1, readV1 } from "./v1.ts";
import { looksLikeV1Json, readV1Json } from "./v1-json.ts";
import { readV2, V2_VERSION } from "./v2.ts";
import { readV2Json } from "./v2-json.ts";

/** The serialisations of a macaroon. */
export type Format = "v1" | "v2" | "v1-json" | "v2-json";

/** The root macaroon, then its discharges. */
export type Bundle = readonly [root: UnverifiedMacaroon, ...discharges: UnverifiedMacaroon[]];

/** The outcome of reading a text as a bundle. */
export type Decoded =
  | {
      readonly ok: true;
      /** The format of the root macaroon; only JSON arrays can hold another beside it. */
      readonly format: Format;
      readonly macaroons: Bundle;
    }
  | {
      readonly ok: false;
      readonly code: "malformed" | "too_large";
      /** The rule that is broken. Never quotes the text. */
      readonly detail: string;
    };

interface Read {
  /** That of the first macaroon. */
  readonly format: Format;
  readonly macaroons: readonly UnverifiedMacaroon[];
}

// A macaroon is an object in an array in an object; an array of them is one more.
const JSON_DEPTH = 4;

/**
 * Reads a bundle from the text that stands in an `Authorization` header or in a JSON string.
 *
 * That is base64, in any spelling, of v2 macaroons one after another or of one v1 macaroon; or a JSON
 * macaroon of either version; or a JSON array of such. Never throws for anything that a sender wrote.
 */
export function decodeBundle(text: string | Uint8Array, limits?: LowerLimits): Decoded {
  const most = limitsWith(limits);
  return decoding(() => {
    checkBundleSize(text.length, most);
    const source = typeof text === "string" ? text : (toText(text) ?? malformed("text is not utf-8"));
    if (/^[ \t\r\n]*[[{]/.test(source)) return readJson(source, most);
    return readBinary(decodeBase64(source), most);
  });
}

/** Reads a bundle from bytes without base64: v2 macaroons one after another, or one v1 macaroon. */
export function decodeBinary(bytes: Uint8Array, limits?: LowerLimits): Decoded {
  const most = limitsWith(limits);
  return decoding(() => {
    checkBundleSize(bytes.length, most);
    return readBinary(copyOf(bytes), most);
  });
}

function decoding(read: () => Read): Decoded {
  try {
    const { format, macaroons } = read();
    if (!isBundle(macaroons)) return { ok: false, code: "malformed", detail: "no macaroon" };
    return { ok: true, format, macaroons };
  } catch (error) {
    if (error instanceof JsonError) {
      // Not its message: a path holds member names, which the sender chose.
      return { ok: false, code: "malformed", detail: `json: ${error.code}` };
    }
    if (!(error instanceof MacaroonError) || error.code === "invalid_argument") throw error;
    return { ok: false, code: error.code, detail: error.message };
  }
}

function isBundle(macaroons: readonly UnverifiedMacaroon[]): macaroons is Bundle {
  return macaroons.length > 0;
}

function checkBundleSize(size: number, limits: Limits): void {
  if (size > limits.bundleBytes) tooLarge(`bundle of more than ${limits.bundleBytes} bytes`);
}

function readBinary(bytes: Uint8Array, limits: Limits): Read {
  const reader: ByteReader = { bytes, offset: 0 };
  const first = bytes[0];
  if (first === undefined) malformed("no macaroon");
  if (looksLikeV1(first)) {
    const macaroon = readV1(reader, limits);
    if (reader.offset < bytes.length) malformed("data after the macaroon");
    return { format: "v1", macaroons: [macaroon] };
  }
  if (first !== V2_VERSION) malformed("no macaroon in v1, v2 or JSON");
  const macaroons = [readV2(reader, limits)];
  while (reader.offset < bytes.length) {
    checkDischargeCount(macaroons.length, limits);
    macaroons.push(readV2(reader, limits));
  }
  return { format: "v2", macaroons };
}

function readJson(text: string, limits: Limits): Read {
  const value = parseJson(text, { maxDepth: JSON_DEPTH, allowNul: true });
  if (!Array.isArray(value)) return readJsonMacaroon(value, limits);
  checkDischargeCount(value.length - 1, limits);
  const read = value.map((item: JsonValue) => readJsonMacaroon(item, limits));
  return { format: read[0]?.format ?? "v2-json", macaroons: read.flatMap(({ macaroons }) => macaroons) };
}

function readJsonMacaroon(value: JsonValue, limits: Limits): Read {
  if (looksLikeV1Json(value)) return { format: "v1-json", macaroons: [readV1Json(value, limits)] };
  return { format: "v2-json", macaroons: [readV2Json(value, limits)] };
}

import { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import type { JsonObject } from "../../json/value.ts";
import { decodeBase64 } from "../parts/base64.ts";
import { toText } from "../parts/bytes.ts";
import { malformed } from "../parts/error.ts";
import { BOX_KEY_BYTES, BOX_NONCE_BYTES } from "./box.ts";

const SEALED_MEMBERS = ["ThirdPartyPublicKey", "FirstPartyPublicKey", "Nonce", "Id"] as const;
const SECRET_MEMBERS = ["RootKey", "Condition"] as const;

/** Reads the outside of a version 1 ticket: base64 of a JSON object with members in base64. */
export function readTicketV1(ticket: Uint8Array): {
  readonly version: 1;
  readonly thirdPartyKey: Uint8Array;
  readonly firstPartyPublicKey: Uint8Array;
  readonly nonce: Uint8Array;
  readonly box: Uint8Array;
} {
  const members = readStrings(decodeBase64(toText(ticket) ?? ""), SEALED_MEMBERS);
  return {
    version: 1,
    thirdPartyKey: sized(decodeBase64(members.ThirdPartyPublicKey), BOX_KEY_BYTES),
    firstPartyPublicKey: sized(decodeBase64(members.FirstPartyPublicKey), BOX_KEY_BYTES),
    nonce: sized(decodeBase64(members.Nonce), BOX_NONCE_BYTES),
    box: decodeBase64(members.Id),
  };
}

/** Reads the contents of a version 1 ticket's box. */
export function readTicketV1Secret(plain: Uint8Array): {
  readonly condition: string;
  readonly caveatKey: Uint8Array;
} {
  const members = readStrings(plain, SECRET_MEMBERS);
  const caveatKey = decodeBase64(members.RootKey);
  if (caveatKey.length === 0) malformed("ticket with an empty key");
  return { condition: members.Condition, caveatKey };
}

function sized(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length === length ? bytes : malformed("ticket with a key or nonce of the wrong length");
}

function readStrings<N extends string>(json: Uint8Array, names: readonly N[]): Readonly<Record<N, string>> {
  const members = readObject(json);
  if (members.size !== names.length) malformed("ticket with unknown or missing members");
  const entries = names.map((name) => {
    const value = members.get(name);
    return [name, typeof value === "string" ? value : malformed("ticket member is not a string")] as const;
  });
  return Object.fromEntries(entries) as Record<N, string>;
}

function readObject(json: Uint8Array): JsonObject {
  try {
    const value = parseJson(json, { maxDepth: 1 });
    return value instanceof Map ? value : malformed("ticket is not a json object");
  } catch (error) {
    if (error instanceof JsonError) malformed(`ticket json: ${error.code}`);
    throw error;
  }
}

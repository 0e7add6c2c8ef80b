import { verify } from "node:crypto";

import { JsonError } from "../../json/error.ts";
import { parseJson } from "../../json/parse.ts";
import type { JsonObject } from "../../json/value.ts";
import { bytesOf } from "./base64url.ts";
import { type PublicKey, readPublicKey } from "./public-key.ts";

/** A signed text that has been read. Nothing of it is true until its signature was found right. */
export interface UnverifiedSigned {
  /** RFC 7638, of the key that it names. */
  readonly thumbprint: string;
  readonly unverifiedPayload: JsonObject;
  /** Checks the signature with the key that it names. It takes about a hundred microseconds. */
  isRight(): boolean;
}

/** Characters of a header: a public key is shorter than two hundred. */
const LONGEST_HEADER = 2_048;

/** Header and payload are flat, but for the key. */
const SHAPE = { maxDepth: 3, maxValues: 64 };

const SIGNATURE_BYTES = 64;

/** The algorithms that are taken, and the key of each. `EdDSA` is the older name (RFC 8037) of `Ed25519` (RFC 9864). */
const ALGORITHMS: ReadonlyMap<unknown, PublicKey["kind"]> = new Map([
  ["Ed25519", "Ed25519"],
  ["EdDSA", "Ed25519"],
  ["ES256", "P-256"],
]);

/**
 * Reads a JWS in compact form (RFC 7515) that names its own key.
 *
 * @param typ the one type that is taken
 * @param longest characters; a longer text is not looked at
 * @returns what it says, or why it is not taken
 */
export function readSigned(text: string, typ: string, longest: number): UnverifiedSigned | string {
  if (text.length > longest) return `it is longer than ${longest} characters`;
  const parts = text.split(".", 4);
  const [head = "", body = "", tail = ""] = parts;
  if (parts.length !== 3) return "it is no compact JWS";
  if (head.length > LONGEST_HEADER) return `its header is longer than ${LONGEST_HEADER} characters`;
  const header = objectOf(head);
  const payload = objectOf(body);
  const signature = bytesOf(tail);
  if (header === undefined || payload === undefined || signature === undefined) return "it is malformed";
  if (header.get("typ") !== typ) return `its typ is not ${typ}`;
  // An extension that must be understood is not: none is known here.
  if (header.has("crit")) return "its header has crit, and no extension is known here";
  const kind = ALGORITHMS.get(header.get("alg"));
  if (kind === undefined) return "its alg is neither Ed25519 nor ES256";
  const key = readPublicKey(header.get("jwk"));
  if (typeof key === "string") return key;
  if (key.kind !== kind) return "its alg and its key do not fit";
  if (signature.length !== SIGNATURE_BYTES) return "its signature is wrong";
  return {
    thumbprint: key.thumbprint,
    unverifiedPayload: payload,
    isRight: () => isRight(key, `${head}.${body}`, signature),
  };
}

function isRight(key: PublicKey, signed: string, signature: Uint8Array): boolean {
  const opened = key.open();
  if (opened === undefined) return false;
  const bytes = Buffer.from(signed, "ascii");
  return key.kind === "Ed25519"
    ? verify(null, bytes, opened, signature)
    : verify("sha256", bytes, { key: opened, dsaEncoding: "ieee-p1363" }, signature);
}

function objectOf(part: string): JsonObject | undefined {
  const bytes = bytesOf(part);
  if (bytes === undefined) return undefined;
  try {
    const value = parseJson(bytes, SHAPE);
    return value instanceof Map ? value : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

import { createHash, createPublicKey, type KeyObject } from "node:crypto";

import type { JsonObject, JsonValue } from "../../json/value.ts";
import { bytesOf } from "./base64url.ts";

/** A public key of a kind that signs proofs and endorsements. */
export interface PublicKey {
  readonly kind: "Ed25519" | "P-256";
  /** RFC 7638, with SHA-256 in base64url. */
  readonly thumbprint: string;
  /** @returns undefined for coordinates that are no key */
  open(): KeyObject | undefined;
}

/** Members that only a private or a shared key has (RFC 7518 §6, RFC 8037 §2); `priv` is that of later kinds. */
const PRIVATE = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

const COORDINATE_BYTES = 32;

/**
 * Reads a JWK (RFC 7517). Each key has one text and so one thumbprint: coordinates that are written in another way are
 * none.
 *
 * @returns the key, or why there is none
 */
export function readPublicKey(jwk: JsonValue | undefined): PublicKey | string {
  if (!(jwk instanceof Map)) return "it holds no public key";
  if (PRIVATE.some((name) => jwk.has(name))) return "it holds a private key: that key is lost now";
  const [kty, crv] = [jwk.get("kty"), jwk.get("crv")];
  if (kty === "OKP" && crv === "Ed25519") return publicKey("Ed25519", jwk, { crv, kty }, ["x"]);
  if (kty === "EC" && crv === "P-256") return publicKey("P-256", jwk, { crv, kty }, ["x", "y"]);
  return "its key is neither Ed25519 nor P-256";
}

function publicKey(
  kind: PublicKey["kind"],
  jwk: JsonObject,
  type: { readonly crv: string; readonly kty: string },
  coordinates: readonly string[],
): PublicKey | string {
  // In the order of their names, and nothing besides: the form over which the thumbprint is made.
  const members: Record<string, string> = { ...type };
  for (const name of coordinates) {
    const text = jwk.get(name);
    const bytes = typeof text === "string" ? bytesOf(text) : undefined;
    if (bytes?.length !== COORDINATE_BYTES) return "its key is malformed";
    members[name] = text as string;
  }
  return {
    kind,
    thumbprint: createHash("sha256").update(JSON.stringify(members)).digest("base64url"),
    open() {
      try {
        return createPublicKey({ key: members, format: "jwk" });
      } catch {
        return undefined;
      }
    },
  };
}

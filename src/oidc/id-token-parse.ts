import { decodeJwt, decodeProtectedHeader } from "jose";
import { SIGNATURE_ALGORITHMS } from "../domain/parts/token-claims.ts";
import { parseJson } from "../json/parse.ts";
import type { JsonFlaw } from "../json/reader.ts";
import type { Claims } from "./claims.ts";

/** Largest token that is looked at, in characters. */
const MAX_TOKEN_LENGTH = 16 * 1024;

/** A token that was taken apart. Nothing in it is true until its signature is checked. */
export interface UnverifiedIdToken {
  readonly header: { readonly alg: string; readonly kid?: string };
  /** The kind that the header says, in lower case and without `application/`; absent if it says none. */
  readonly type?: string;
  readonly unverifiedClaims: Claims;
}

/** The outcome of {@link parseIdToken}. */
export type IdTokenParsing =
  | { readonly ok: true; readonly token: UnverifiedIdToken }
  | { readonly ok: false; readonly reason: string };

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Takes a signed JWT in compact form apart and refuses the kinds that are no ID tokens. */
export function parseIdToken(text: string): IdTokenParsing {
  const parsing = parseSignedToken(text);
  // RFC 8725 §3.11: access tokens (at+jwt), logout tokens, DPoP proofs and others name their kind.
  if (parsing.ok && parsing.token.type !== undefined && parsing.token.type !== "jwt")
    return refuse("the token's type is not that of an ID token");
  return parsing;
}

/** Takes a signed JWT in compact form apart, of whatever kind it is. */
export function parseSignedToken(text: string): IdTokenParsing {
  if (text.length > MAX_TOKEN_LENGTH)
    return refuse(`the token is longer than ${MAX_TOKEN_LENGTH} characters`);
  if (!COMPACT.test(text)) return refuse("the token is not a signed JWT");
  let header: ReturnType<typeof decodeProtectedHeader>;
  let unverifiedClaims: Claims;
  try {
    header = decodeProtectedHeader(text);
    unverifiedClaims = decodeJwt(text);
    // RFC 7515 §4, RFC 7519 §4: names are unique. Of two, another reader of the token may believe the other.
    if (text.split(".", 2).some(repeatsMember)) return refuse("the token repeats a member");
  } catch {
    return refuse("the token is not a signed JWT");
  }

  const { alg, kid } = header;
  if (typeof alg !== "string" || !SIGNATURE_ALGORITHMS.includes(alg))
    return refuse("the token's algorithm is not accepted");
  if (kid !== undefined && typeof kid !== "string") return refuse("the token's key id is malformed");
  // RFC 7515 §4.1.11: a critical header that is not understood refuses the token, and none is understood here.
  if (header.crit !== undefined) return refuse("the token has critical header members");
  const { typ } = header;
  if (typ !== undefined && typeof typ !== "string")
    return refuse("the token's type is not that of an ID token");
  const type = typ === undefined ? {} : { type: typ.toLowerCase().replace(/^application\//, "") };
  return {
    ok: true,
    token: { header: kid === undefined ? { alg } : { alg, kid }, ...type, unverifiedClaims },
  };
}

/** Whether an object in a part of a token has two members of one name. @param part base64url of JSON */
function repeatsMember(part: string): boolean {
  let repeats = false;
  const onFlaw = ({ code }: JsonFlaw) => {
    repeats ||= code === "duplicate_member";
  };
  parseJson(new Uint8Array(Buffer.from(part, "base64url")), { onFlaw });
  return repeats;
}

function refuse(reason: string): IdTokenParsing {
  return { ok: false, reason };
}

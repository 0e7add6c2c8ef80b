import { createHash } from "node:crypto";

import { JsonNumber, type JsonValue } from "../../json/value.ts";
import { PROOF_TYPE } from "../../words/holder.ts";
import { PROOF_WINDOW } from "../parts/lifetimes.ts";
import type { PresentedProof } from "../parts/presented-proof.ts";
import { readSigned } from "./signed.ts";
import { targetOf } from "./target.ts";

/** A proof that is right in all but one respect: whether it came before is asked last, and elsewhere. */
export interface GoodProof {
  /** Of the key that made it. */
  readonly thumbprint: string;
  /** Names platform, key and `jti`: 32 bytes. */
  readonly id: Uint8Array;
}

/** Characters of the longest proof. */
const LONGEST = 8_192;

const LONGEST_JTI = 256;

/** Seconds, as JSON writes them. */
const SECONDS = /^[0-9]{1,12}(?:\.[0-9]{1,9})?$/;

/**
 * Checks a DPoP proof (RFC 9449 §4.3) but for its being used before: of which key it is, and that it is for this token and
 * this call, now. The signature is checked last.
 *
 * @param token the text that stood in the call's header
 * @param wanted tells whether a key's word matters; another's signature is not looked at
 * @param now unix milliseconds, by the service's clock
 * @returns the proof, or why it is none
 */
export function checkProof(
  { dpop, method, uri, contentDigest }: PresentedProof,
  asked: {
    readonly platform: string;
    readonly token: string;
    readonly wanted: (thumbprint: string) => boolean;
    readonly now: number;
  },
): GoodProof | string {
  const { platform, token, wanted, now } = asked;
  const signed = readSigned(dpop, PROOF_TYPE, LONGEST);
  if (typeof signed === "string") return signed;
  const { thumbprint, unverifiedPayload: claims } = signed;
  if (!wanted(thumbprint)) return "it is a proof of another key";

  const jti = claims.get("jti");
  if (typeof jti !== "string" || jti === "" || jti.length > LONGEST_JTI) {
    return `its jti is no text of 1 to ${LONGEST_JTI} characters`;
  }
  if (claims.get("htm") !== method) return "its htm is not the call's method";
  const htu = claims.get("htu");
  const target = targetOf(uri);
  if (target === undefined) return "the call's uri is no http or https URI that can be read in one way";
  if (typeof htu !== "string" || targetOf(htu) !== target) return "its htu is not the call's uri";
  if (claims.get("ath") !== createHash("sha256").update(token).digest("base64url")) {
    return "its ath is not the hash of the token";
  }
  if (contentDigest !== undefined && claims.get("content_digest") !== contentDigest) {
    return "its content_digest is not the call's";
  }
  const stale = staleness(claims, now);
  if (stale !== undefined) return stale;
  if (!signed.isRight()) return "its signature is wrong";
  return { thumbprint, id: idOf(platform, thumbprint, jti) };
}

/** Why a proof is not of now; undefined if it is. `exp` and `nbf` need not be there, and count if they are. */
function staleness(claims: ReadonlyMap<string, JsonValue>, now: number): string | undefined {
  const iat = secondsOf(claims.get("iat"));
  if (iat === undefined) return "its iat is no time in seconds";
  if (iat * 1000 < now - PROOF_WINDOW) return "its iat is too long ago";
  if (iat * 1000 > now + PROOF_WINDOW) return "its iat is in the future";
  const [exp, nbf] = [claims.get("exp"), claims.get("nbf")];
  if (exp !== undefined && !((secondsOf(exp) ?? 0) * 1000 > now)) return "its exp is over";
  if (nbf !== undefined && !((secondsOf(nbf) ?? Number.POSITIVE_INFINITY) * 1000 <= now + PROOF_WINDOW)) {
    return "its nbf is in the future";
  }
  return undefined;
}

function secondsOf(value: JsonValue | undefined): number | undefined {
  return value instanceof JsonNumber && SECONDS.test(value.text) ? Number(value.text) : undefined;
}

/** A platform sees its own calls alone: what one has seen tells nobody anything of another. */
function idOf(platform: string, thumbprint: string, jti: string): Uint8Array {
  const hash = createHash("sha256").update("bakehouse proof v1\0");
  // In a JSON text each part has a certain end.
  return new Uint8Array(hash.update(JSON.stringify([platform, thumbprint, jti])).digest());
}

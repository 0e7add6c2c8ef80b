import { ENDORSEMENT_TYPE } from "../../words/holder.ts";
import { REVOCATION_ID } from "../../words/ids.ts";
import { readSigned } from "./signed.ts";

/** A key's word that it handed on a link. Its signature is still to be checked. */
export interface UnverifiedEndorsement {
  /** Of the key that signed it. */
  readonly thumbprint: string;
  /** The revocation id of the link. */
  readonly link: string;
  isRight(): boolean;
}

/** Characters of the longest endorsement. */
const LONGEST = 2_048;

/**
 * Reads an endorsement: a compact JWS with the payload `{"link":REVOCATION-ID}` and nothing besides, since whoever writes
 * more means something that would not be heeded.
 *
 * @returns the endorsement, or why it is none
 */
export function readEndorsement(text: string): UnverifiedEndorsement | string {
  const signed = readSigned(text, ENDORSEMENT_TYPE, LONGEST);
  if (typeof signed === "string") return signed;
  const { thumbprint, unverifiedPayload: payload } = signed;
  const link = payload.get("link");
  if (payload.size !== 1 || typeof link !== "string" || !REVOCATION_ID.test(link)) {
    return "its payload is not the one member link with a revocation id";
  }
  return { thumbprint, link, isRight: signed.isRight };
}

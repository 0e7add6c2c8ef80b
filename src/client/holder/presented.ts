import type { VerifyRequest } from "../requests.ts";

/** What a request brings to show that a key vouches for it, and the request itself as its caller knows it. */
export interface GuardProof {
  /** The header `DPoP`. */
  readonly dpop: string | null | undefined;
  /** The header `Bakehouse-Endorsements`. */
  readonly endorsements: string | null | undefined;
  readonly method: string;
  /** The address that the caller asked, never one that a header of the request names. */
  readonly uri: string;
}

/** The members of a question to the service. */
export function proofMembers(proof: GuardProof | undefined): Pick<VerifyRequest, "proof" | "endorsements"> {
  if (proof === undefined) return {};
  const { dpop, method, uri } = proof;
  const endorsements = (proof.endorsements ?? "").split(",").map((text) => text.trim());
  const given = endorsements.filter((text) => text !== "");
  return {
    ...(dpop && { proof: { dpop, method, uri } }),
    ...(given.length > 0 && { endorsements: given }),
  };
}

/**
 * The origin of a server, for the URIs that proofs name.
 *
 * @throws TypeError for anything but an origin
 */
export function checkedOrigin(origin: string | undefined): string | undefined {
  if (origin !== undefined && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
    throw new TypeError("the guard's origin must be one, such as https://api.example");
  }
  return origin;
}

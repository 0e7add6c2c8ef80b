/** A DPoP proof (RFC 9449) as it came with the call, and the facts of that call. */
export interface PresentedProof {
  readonly dpop: string;
  /** The call's own method and URI, as the platform saw them. */
  readonly method: string;
  readonly uri: string;
  /** The digest of the call's contents; undefined if the proof need not name one. */
  readonly contentDigest: string | undefined;
}

/** The facts of a verified token that its revocations are looked up by. */
export interface RevocationSubject {
  readonly platform: string;
  readonly issuer: string;
  readonly subject: string;
  readonly principalId: string;
  readonly keyId: string;
  readonly tokenId: string;
  /** When the root macaroon was issued, unix milliseconds. */
  readonly issuedAt: number;
  /** Every agent on the chain, and on those of its discharges, by name and by `name#instance`. */
  readonly agents: readonly string[];
  /** Every approval that its discharges name. */
  readonly approvals: readonly string[];
  /** Of every link from the root to the presented one, and of every discharge's links; 16 bytes each. */
  readonly revocationIds: readonly Uint8Array[];
}

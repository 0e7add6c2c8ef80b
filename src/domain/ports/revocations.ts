/** Within which tokens an entry of the revocation log matches: those that its author had a say in. */
export type RevocationScope =
  | { readonly kind: "all" }
  | { readonly kind: "platform"; readonly platform: string }
  | { readonly kind: "principal"; readonly issuer: string; readonly subject: string }
  /** A holder, by possession: that link of that platform's token and nothing else. */
  | { readonly kind: "link"; readonly platform: string };

/** What an entry kills. */
export type RevocationTarget =
  /** A link and all that descends from it; 16 bytes. */
  | { readonly kind: "revocation_id"; readonly id: Uint8Array }
  /** A root macaroon's whole tree; a UUID in its canonical text form. */
  | { readonly kind: "token_id"; readonly id: string };

/** An entry before the log has numbered it. */
export interface NewRevocation {
  /** UUIDv7. */
  readonly id: string;
  readonly scope: RevocationScope;
  readonly target: RevocationTarget;
  readonly reason: string | null;
  /** Who asked, for the record: `administrator`, `platform:NAME`, `principal`, `holder`. */
  readonly author: string;
  /** Unix milliseconds, by the database's clock. */
  readonly revokedAt: number;
  /** The last instant at which it can match anything, unix milliseconds; it is dropped an hour later. */
  readonly lastMatchAt: number;
}

/** An entry of the revocation log. */
export interface Revocation extends NewRevocation {
  /** Position in the log, 1 and up, without gaps, in the order of commits. */
  readonly number: number;
}

/** Where the log stands. */
export interface LogPosition {
  /** Random; another one after every restore or promotion. */
  readonly epoch: string;
  /** The last number given; 0 for an empty log. */
  readonly number: number;
}

/** Entries that were read, with the log's position at that very moment. */
export interface LogRead {
  readonly position: LogPosition;
  readonly entries: readonly Revocation[];
}

/** Whose view of the log is asked for: everything, or what can match one platform's tokens. */
export type LogView = { readonly kind: "all" } | { readonly kind: "platform"; readonly platform: string };

/** The revocation log. Every method rejects only when the store could not answer. */
export interface RevocationStore {
  /**
   * Appends in one transaction, which must be the caller's: the log's counter row stays locked until
   * it ends, so commit order is number order. An entry whose scope and target stand in the log already
   * is not added again: the first one is returned in its place.
   *
   * @returns one entry for each given one, in the given order
   */
  append(entries: readonly NewRevocation[]): Promise<readonly Revocation[]>;
  /** Entries with a number above `after`, ascending, at most `limit`, and the position, from one snapshot. */
  read(after: number, limit: number, view: LogView): Promise<LogRead>;
  /** The first entry that kills a platform's link: by any of these revocation ids (16 bytes each) or by the token id, in any scope that covers it. */
  covering(
    platform: string,
    human: { readonly issuer: string; readonly subject: string },
    tokenId: string,
    revocationIds: readonly Uint8Array[],
  ): Promise<Revocation | undefined>;
  /** Drops entries whose last match lies before `instant` (unix milliseconds). @returns how many */
  dropBefore(instant: number): Promise<number>;
}

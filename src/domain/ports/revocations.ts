import type { AuditEvent } from "./audit.ts";
import type { LogServer } from "./log-server.ts";
import type { Grant } from "./sessions.ts";

/** The tokens among which an entry of the revocation log matches: the tokens that its author had a say in. */
export type RevocationScope =
  | { readonly kind: "all" }
  | { readonly kind: "platform"; readonly platform: string }
  | { readonly kind: "principal"; readonly issuer: string; readonly subject: string }
  /** A holder, by possession: that link of that platform's token and nothing else. */
  | { readonly kind: "link"; readonly platform: string };

/** A target that names something by 16 bytes of its own: any number of these is held in memory. */
export type LinkTarget =
  /**
   * A link and all that descends from it; 16 bytes. `tree` is the token id of its root macaroon where the author showed
   * the token: for the record, it names nothing that `id` does not.
   */
  | { readonly kind: "revocation_id"; readonly id: Uint8Array; readonly tree?: string }
  /**
   * A root macaroon's whole tree; a UUID in its canonical text form. `successors` is said in the answer alone: each token
   * that renewed it has an entry of its own.
   */
  | { readonly kind: "token_id"; readonly id: string; readonly successors?: true };

/**
 * A target that many tokens can match. Those with `issuedBefore` (unix milliseconds) match root macaroons that
 * were issued before that instant and no later ones.
 */
export type WideTarget =
  /** All of a person's tokens. */
  | {
      readonly kind: "principal";
      readonly issuer: string;
      readonly subject: string;
      readonly issuedBefore: number;
    }
  /** The same for one principal of one platform, by its id. */
  | { readonly kind: "principal_id"; readonly id: string; readonly issuedBefore: number }
  /** Every chain that passes through the agent: a name, or `name#instance`; of one tree if `tokenId` is not null. */
  | {
      readonly kind: "agent";
      readonly agent: string;
      readonly tokenId: string | null;
      readonly issuedBefore: number;
    }
  /** Everything under a root key. */
  | { readonly kind: "key_id"; readonly id: string }
  /** Every discharge that this approval granted. */
  | { readonly kind: "approval_id"; readonly id: string }
  /** Everything of a platform. */
  | { readonly kind: "platform"; readonly platform: string; readonly issuedBefore: number };

/** The target of an entry: every token that matches it is dead. */
export type RevocationTarget = LinkTarget | WideTarget;

/**
 * A target as a reader sees it. An agent that somebody else named is a hash of its text: a platform recognises its own
 * agents by it, and learns no other's name.
 */
export type SeenTarget =
  | RevocationTarget
  | {
      readonly kind: "opaque";
      /** 16 bytes. */
      readonly agentHash: Uint8Array;
      readonly tokenId: string | null;
      readonly issuedBefore: number;
    };

/** An entry before the log has numbered it. */
export interface NewRevocation {
  /** UUIDv7. */
  readonly id: string;
  readonly scope: RevocationScope;
  readonly target: RevocationTarget;
  readonly reason: string | null;
  /** Whether its author lets everybody read the reason who verifies what the entry kills; absent for no. */
  readonly reasonIsPublic?: boolean | undefined;
  /** The author, for the record: `administrator`, `platform:NAME`, `principal`, `approver`, `holder`, `service`. */
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
  /** As of {@link LogPosition}. */
  readonly hash?: string | undefined;
  /** In a platform's view: the ids there of the person whom an entry of others names. */
  readonly principalIds?: readonly string[];
}

/** An entry as a reader sees it. */
export type SeenRevocation = Omit<Revocation, "target"> & { readonly target: SeenTarget };

/** A position in the log: its end, or the last entry that a reader knows. */
export interface LogPosition {
  /** Random; another one after every restore or promotion. */
  readonly epoch: string;
  /** The last number given; 0 for an empty log. */
  readonly number: number;
  /**
   * The first 8 bytes of that entry's hash, which is over all of the log up to it, in hex. Undefined for an entry of
   * version 0.1.0, which wrote none, and for a position that was given without.
   */
  readonly hash?: string | undefined;
}

/** The log at the very moment of a read. */
export interface LogState {
  /** The log's end. */
  readonly position: LogPosition;
  /** The hash of the number that was asked for; undefined if it is not kept, or never was. */
  readonly hashAt: string | undefined;
  readonly server: LogServer;
}

/** Entries that were read. `hashAt` is of the number after which they come. */
export interface LogRead extends LogState {
  readonly entries: readonly Revocation[];
  /** The first number that is still kept; one more than the position's if none is. */
  readonly oldest: number;
}

/** The clock and the record that entries are dated by. */
export interface LogMoment {
  /** The database's clock, unix milliseconds. */
  readonly now: number;
  /** When the newest token on record was issued, unix milliseconds; null without any token. */
  readonly newestIssuedAt: number | null;
}

/** The log while it is held: nobody else can append. */
export interface HeldLog extends LogMoment {
  readonly position: LogPosition;
  readonly server: LogServer;
}

/** An entry that was asked to be appended, as it stands in the log. */
export interface AppendedRevocation extends Revocation {
  /** The hash of the entry before it, if it has just been appended; undefined if it stood there before. */
  readonly follows?: string | undefined;
}

/** Appended entries. */
export interface Appended {
  /** The log's epoch at that moment. */
  readonly epoch: string;
  /** One for each given entry, in the given order. */
  readonly entries: readonly AppendedRevocation[];
}

/** Entries that are ready to be written. */
export interface PreparedEntries {
  /** Each scope and target once. */
  readonly entries: readonly NewRevocation[];
  /** The place of each given entry among them. */
  readonly places: readonly number[];
  /** As the store writes them. */
  readonly columns: string;
}

/** Entries that were written, with an answer that nobody has read yet. */
export interface WrittenEntries {
  readonly prepared: PreparedEntries;
  /** As the store reads them. */
  readonly rows: readonly unknown[];
}

/** Targets that share scope and kind, as a replica loads them. */
export interface LinkGroup {
  readonly scope: RevocationScope;
  readonly kind: LinkTarget["kind"];
  /** Unix milliseconds: no entry of the group can match anything later. */
  readonly lastMatchAt: number;
  /** 16 bytes each, one behind the other; a token id as its UUID's bytes. */
  readonly ids: Uint8Array;
}

/** A part of the log as a replica loads it. */
export interface LogLoad extends LogState {
  /** The last position of this part; for the last part the log's end. */
  readonly through: LogPosition;
  /** The database's clock while it was read, unix milliseconds. */
  readonly now: number;
  /** The number of entries in the whole log, roughly; 0 if the store cannot tell at once. */
  readonly estimate: number;
  /** When the oldest entry of this part was written, by the database's clock, unix milliseconds; undefined if the part is empty. */
  readonly oldestAt?: number | undefined;
  /** The hashes of this part's last entries, a thousand at most. */
  readonly recent: readonly { readonly number: number; readonly hash: string }[];
  readonly links: readonly LinkGroup[];
  readonly wide: readonly (Revocation & { readonly target: WideTarget })[];
}

/** A view of the log: everything, or the entries that can match one platform's tokens. */
export type LogView = { readonly kind: "all" } | { readonly kind: "platform"; readonly platform: string };

/** The revocation log. Every method rejects only when the store could not answer. */
export interface RevocationStore {
  /** The moment from which entries can be dated, without holding the log. */
  moment(): Promise<LogMoment>;
  /** Locks the log's counter row until the caller's transaction ends, and gives the log's end. */
  hold(): Promise<HeldLog>;
  /**
   * Appends, all or none, in the caller's transaction or else in one of its own. The log's counter row is locked
   * until that ends, so that commit order is number order; new entries get consecutive numbers. An entry with a scope
   * and target that stand in the log already, `issuedBefore` included, is not added again: the first one is returned
   * in its place. Returned entries are on disk, and on the standbys that the server waits for, even if none was new.
   * Rejects with `unavailable` on a server to which the log does not belong.
   *
   * @param events the audit event of each entry, recorded only if the entry is new
   */
  append(entries: readonly NewRevocation[], events?: readonly AuditEvent[]): Promise<Appended>;
  /**
   * The first of the three steps of `append`, for many entries: the log is held from the first `write` of a transaction to its end,
   * and neither making entries ready nor reading the answer has to happen meanwhile. Asks the database nothing.
   */
  prepare(entries: readonly NewRevocation[], events?: readonly AuditEvent[]): Promise<PreparedEntries>;
  write(prepared: PreparedEntries): Promise<WrittenEntries>;
  /** What stands in the log now. Asks the database nothing. */
  standing(written: WrittenEntries): Promise<Appended>;
  /** Gives the log, which the caller's transaction must hold, another epoch. */
  beginEpoch(epoch: string): Promise<void>;
  /** Entries with a number above `after`, ascending, at most `limit`, and the position, from one snapshot. */
  read(after: number, limit: number, view: LogView): Promise<LogRead>;
  /**
   * As `read`, of everything and in the form in which it takes the least to hand over.
   *
   * @param known the number whose hash is asked for
   */
  load(after: number, limit: number, known: number): Promise<LogLoad>;
  /** The log, and the hash of one number. */
  state(known: number): Promise<LogState>;
  /**
   * Says that a replica has read an entry that is not in the log of this epoch: nothing is appended to it any more, and
   * every replica refuses, until it has another epoch.
   *
   * @param sequence of that entry
   */
  dispute(epoch: string, sequence: string): Promise<void>;
  /**
   * Takes the server for the log's own if it is a promoted standby of it and the last entry was written under
   * synchronous replication. @returns whether it was taken
   */
  adopt(epoch: string): Promise<boolean>;
  /** Notes that synchronous replication has all of the log, once it has, if nothing has been appended since it was set. */
  attest(epoch: string): Promise<void>;
  /** Takes the server for that of the log, which the caller's transaction must hold, because nothing of it is missing. */
  takeOver(): Promise<void>;
  /** @returns undefined if there is no such entry, or none any more */
  find(number: number): Promise<Revocation | undefined>;
  /** The first entry that kills a platform's link: by any of these revocation ids (16 bytes each) or by the token id, in any scope that covers it. */
  covering(
    platform: string,
    human: { readonly issuer: string; readonly subject: string },
    tokenId: string,
    revocationIds: readonly Uint8Array[],
  ): Promise<Revocation | undefined>;
  /**
   * Entries that name a part of one tree and can match it: links that a holder showed, and agents of that tree. Newest first.
   * Anybody can name a tree: those of another scope than the platform's and the person's kill nothing.
   *
   * @param tree the root macaroon's token id, and the facts by which scopes are told
   */
  below(
    tree: {
      readonly tokenId: string;
      readonly platform: string;
      readonly issuer: string;
      readonly subject: string;
    },
    limit: number,
  ): Promise<readonly Revocation[]>;
  /**
   * Whether an entry ends a login. The log's counter row is locked until the caller's transaction ends, so that none is
   * appended between the answer and the commit.
   */
  endsGrant(grant: Grant): Promise<boolean>;
  /** Drops entries that can match nothing at `instant` (unix milliseconds) or later. @returns how many */
  dropBefore(instant: number): Promise<number>;
}

/** Where a replica notes how far it has read the revocation log, so that a restart notices a restored database. */
export interface PositionFile {
  /** @returns undefined if there is none, or none that can be read */
  read(): Promise<LogPosition | undefined>;
  write(position: LogPosition): Promise<void>;
}

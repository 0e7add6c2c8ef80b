import type { Tile, TilePlace } from "../../tlog/tiles.ts";

/** Who did something, as the audit log names them. Ids only: none of them gives power. */
export type Actor =
  | { readonly kind: "principal"; readonly issuer: string; readonly subject: string }
  /** No human. `issuer` is the issuer's own name. */
  | { readonly kind: "workload"; readonly issuer: string; readonly subject: string }
  /** The token id of the credential that was used, and whose it is. */
  | { readonly kind: "credential"; readonly tokenId: string; readonly role: string }
  /** Someone who held a token and nothing else. */
  | { readonly kind: "holder"; readonly tokenId: string }
  | { readonly kind: "service" };

/** What can be recorded. Added to, never renamed. */
export type AuditAction =
  | "platform.created"
  | "platform.changed"
  | "policy.changed"
  | "resource.registered"
  | "resource.changed"
  | "resource.removed"
  | "credential.issued"
  | "token.issued"
  /** By showing the token before; `line` is the first of all that renew one another. */
  | "token.renewed"
  /** A trusted issuer has said who holds a token next. */
  | "token.exchanged"
  | "token.revoked"
  | "log.fenced"
  | "log.moved"
  | "key.created"
  | "key.retired"
  | "key.destroyed"
  | "discharge_key.created"
  | "discharge_key.destroyed"
  | "verdict_key.created"
  | "verdict_key.destroyed"
  /** A JWT is out by which a token passes at a resource until `expires_at`, whatever is revoked. */
  | "verdict.signed"
  | "discharge.asked"
  | "discharge.approved"
  | "discharge.granted"
  | "discharge.denied"
  | "discharge.withdrawn"
  | "session.begun"
  | "session.ended"
  | "client.created"
  | "client.deleted"
  | "consent.given"
  | "consent.refused"
  | "consent.withdrawn"
  /** A code or refresh token was used a second time, or given back: all that it gave has ended. */
  | "grant.ended"
  /** The first leaf of a tree: it holds the last checkpoint of the tree before. */
  | "audit.tree_begun"
  /** Retention is about to drop the range that it names. */
  | "audit.dropped"
  /** Decisions of verify that are not on record, counted. */
  | "audit.gap"
  | "verify.allowed"
  | "verify.refused"
  | "service.bootstrapped";

/** One audit event. */
export interface AuditEvent {
  /** UUIDv7; its time is `at`. */
  readonly id: string;
  /** Unix milliseconds, by the database's clock. */
  readonly at: number;
  readonly action: AuditAction;
  readonly actor: Actor;
  /** The platform that is concerned; null if none is. */
  readonly platform: string | null;
  /** Ids, names and sizes. Never a secret, a token or a tail. */
  readonly details: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** The audit log. It is written only through a transaction, with the change that an event describes. */
export interface AuditStore {
  append(events: readonly AuditEvent[]): Promise<void>;
}

/** One Merkle tree of audit events. There is one for each epoch of the revocation log, numbered from 1. */
export interface AuditTree {
  readonly number: number;
  /** The name under which its checkpoints are signed; ends in the epoch. */
  readonly origin: string;
  readonly epoch: string;
  /** Leaves that have a place. */
  readonly size: number;
  /** Of those leaves, 32 bytes. */
  readonly root: Uint8Array;
  /** The last checkpoint that was signed; null before the first. */
  readonly checkpoint: string | null;
  /** The instant before which retention has said that it drops events, unix milliseconds; null if it never did. */
  readonly droppedBefore: number | null;
}

/** An event that has no place yet, and its leaf's hash. */
export interface WaitingLeaf {
  readonly eventId: string;
  readonly hash: Uint8Array;
}

/** An event with its place. */
export interface AuditEntry {
  readonly tree: number;
  /** The leaf's index. */
  readonly index: number;
  readonly eventId: string;
  /** The leaf's text, by which anybody can make its hash; null if the event is not there any more. */
  readonly leaf: string | null;
}

/** Which events are asked for. Every member that is there has to match. */
export interface AuditFilter {
  /** A subject, a credential's token id or role, or a kind of actor. */
  readonly actor?: string;
  /** A principal's id, or a subject that was named. */
  readonly principal?: string;
  readonly agent?: string;
  readonly tokenId?: string;
  readonly revocationId?: string;
  readonly action?: string;
  readonly platform?: string;
  /** Whether to leave out an administrator's events about the platform. */
  readonly ownOnly?: boolean;
  /** Unix milliseconds, inclusive. */
  readonly from?: number;
  /** Unix milliseconds, exclusive. */
  readonly to?: number;
}

/** An event as it is listed. */
export interface RecordedEvent {
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly action: string;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly platform: string | null;
  readonly details: Readonly<Record<string, unknown>>;
  /** Its place; undefined for the seconds before it has one. */
  readonly place: { readonly tree: number; readonly index: number } | undefined;
}

/** The key that checkpoints are signed with, as it rests in the store. */
export interface StoredAuditKey {
  /** Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The private half, sealed under the master key. */
  readonly sealed: Uint8Array;
  /** Unix milliseconds. */
  readonly createdAt: number;
}

/** The Merkle trees of the audit log. Every method rejects only when the store could not answer. */
export interface AuditTreeStore {
  /** All trees, oldest first. */
  trees(): Promise<readonly AuditTree[]>;
  /**
   * Holds the newest tree until the transaction ends.
   *
   * @param waits whether to wait for somebody who holds it
   * @returns undefined if there is none, `busy` if somebody holds it and `waits` is false
   */
  hold(waits: boolean): Promise<AuditTree | "busy" | undefined>;
  /** Makes a tree. @returns false if there is one of that number: nothing was made */
  begin(tree: AuditTree, now: number): Promise<boolean>;
  /** Events without a place, in the order of their ids. */
  waiting(limit: number): Promise<readonly WaitingLeaf[]>;
  /** How many events have no place; counts no further than `most`. */
  countWaiting(most: number): Promise<number>;
  /** The hash of one event that waits. */
  waitingLeaf(eventId: string): Promise<Uint8Array | undefined>;
  /** Gives events their places, one after the other from `first` on. */
  place(tree: number, first: number, eventIds: readonly string[]): Promise<void>;
  /** The tiles at these places, of those that are there. */
  tiles(tree: number, places: readonly TilePlace[]): Promise<readonly Tile[]>;
  /** Puts tiles, in the place of shorter ones. */
  putTiles(tree: number, tiles: readonly Tile[]): Promise<void>;
  /** Notes a tree's new state. */
  grow(tree: Pick<AuditTree, "number" | "size" | "root" | "checkpoint">): Promise<void>;
  /** The entries of a tree from `from` to before `to`, in order; those alone that have a leaf. */
  entries(tree: number, from: number, to: number): Promise<readonly AuditEntry[]>;
  /**
   * Events, newest first or oldest first. At most 5,000 are looked at in one call: a page may be short and not the last.
   *
   * @param after an event's id, exclusive
   */
  list(
    filter: AuditFilter,
    page: { readonly limit: number; readonly after: string | undefined; readonly oldestFirst: boolean },
  ): Promise<{
    readonly items: readonly RecordedEvent[];
    /** The place to go on from; undefined at the end. */
    readonly next: string | undefined;
  }>;
  /** The places of events with a place whose month is over before an instant, as ranges `[first, last]`, by tree. */
  placesBefore(
    instant: number,
  ): Promise<readonly { readonly tree: number; readonly first: number; readonly last: number }[]>;
  /** The texts of leaves, by the ids of their events; those alone that are there. */
  leaves(eventIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Notes that retention has named the range that it drops. */
  noteDropped(tree: number, before: number): Promise<void>;
  /** Drops the salts and places of events that retention has dropped. */
  dropLeaves(before: number): Promise<void>;
  key(): Promise<StoredAuditKey | undefined>;
  /** Keeps the key. @returns the one that is kept: another, if somebody was first */
  keepKey(key: StoredAuditKey): Promise<StoredAuditKey>;
  resealKey(sealed: Uint8Array): Promise<void>;
}

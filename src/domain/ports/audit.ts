/** Who did something, as the audit log names them. Ids only: none of them gives power. */
export type Actor =
  | { readonly kind: "principal"; readonly issuer: string; readonly subject: string }
  /** The token id of the credential that was used, and whose it is. */
  | { readonly kind: "credential"; readonly tokenId: string; readonly role: string }
  /** Someone who held a token and nothing else. */
  | { readonly kind: "holder"; readonly tokenId: string }
  | { readonly kind: "service" };

/** What can be recorded. Added to, never renamed. */
export type AuditAction =
  | "platform.created"
  | "policy.changed"
  | "credential.issued"
  | "token.issued"
  | "token.revoked"
  | "log.fenced"
  | "log.moved"
  | "key.created"
  | "key.retired"
  | "key.destroyed"
  | "discharge_key.created"
  | "discharge_key.destroyed"
  | "discharge.asked"
  | "discharge.approved"
  | "discharge.granted"
  | "discharge.denied"
  | "discharge.withdrawn"
  | "session.begun"
  | "session.ended"
  /** The first leaf of a tree: it holds the last checkpoint of the tree before. */
  | "audit.tree_begun"
  /** Retention is about to drop what it names. */
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

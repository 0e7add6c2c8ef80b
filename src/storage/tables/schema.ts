import {
  bigint,
  boolean,
  customType,
  integer,
  numeric,
  pgTable,
  primaryKey,
  smallint,
  unique,
  uuid,
} from "drizzle-orm/pg-core";

import { readBytes, readInstant, readText, writeInstant, writeText } from "../engine/values.ts";

export const text = customType<{ data: string; driverData: string }>({
  dataType: () => "text",
  toDriver: writeText,
  fromDriver: readText,
});

export const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({
  dataType: () => "bytea",
  fromDriver: readBytes,
});

/** Unix milliseconds. */
export const instant = customType<{ data: number; driverData: string }>({
  dataType: () => "timestamp(3) with time zone",
  toDriver: writeInstant,
  fromDriver: readInstant,
});

/** JSON is unknown until the port's own file has parsed it. */
export const json = customType<{ data: unknown; driverData: string }>({
  dataType: () => "jsonb",
  toDriver: (value) => JSON.stringify(value),
});

/** Several values, under the name by which the information schema calls every array. */
const several = customType<{ data: unknown }>({ dataType: () => "ARRAY" });

export const platforms = pgTable("platforms", {
  name: text().primaryKey(),
  createdAt: instant("created_at").notNull(),
  policy: json().notNull(),
  resourceHosts: json("resource_hosts").notNull(),
});

export const resources = pgTable("resources", {
  id: uuid().primaryKey(),
  platform: text()
    .notNull()
    .references(() => platforms.name),
  resource: text().notNull().unique(),
  name: text().notNull(),
  scopes: json().notNull(),
  caveats: json().notNull(),
  maxTtl: integer("max_ttl"),
  acceptUnbound: boolean("accept_unbound").notNull(),
  createdAt: instant("created_at").notNull(),
});

export const rootKeys = pgTable("root_keys", {
  id: text().primaryKey(),
  platform: text()
    .notNull()
    .references(() => platforms.name),
  sealed: bytea().notNull(),
  createdAt: instant("created_at").notNull(),
  activeFrom: instant("active_from").notNull(),
  retiredAt: instant("retired_at"),
  expiresAt: instant("expires_at"),
});

export const principals = pgTable(
  "principals",
  {
    id: text().primaryKey(),
    platform: text()
      .notNull()
      .references(() => platforms.name),
    issuer: text().notNull(),
    subject: text().notNull(),
    email: text(),
    assertedBy: text("asserted_by").notNull(),
    development: boolean().notNull(),
    createdAt: instant("created_at").notNull(),
    changedAt: instant("changed_at"),
  },
  (table) => [unique("principals_who").on(table.platform, table.issuer, table.subject, table.assertedBy)],
);

/** The people that have been seen, as they were last. */
export const people = pgTable(
  "people",
  {
    issuer: text().notNull(),
    subject: text().notNull(),
    email: text(),
    name: text(),
    seenAt: instant("seen_at").notNull(),
    saidAt: instant("said_at"),
  },
  (table) => [primaryKey({ columns: [table.issuer, table.subject] })],
);

/** Range-partitioned by `id`, monthly. */
export const tokens = pgTable("tokens", {
  id: uuid().primaryKey(),
  platform: text().notNull(),
  keyId: text("key_id").notNull(),
  principalId: text("principal_id").notNull(),
  revocationId: bytea("revocation_id").notNull(),
  issuedAt: instant("issued_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
  caveats: json().notNull(),
  label: text(),
  issuedBy: uuid("issued_by"),
});

/** Range-partitioned by `id`, monthly. */
export const auditEvents = pgTable("audit_events", {
  id: uuid().primaryKey(),
  at: instant().notNull(),
  action: text().notNull(),
  actor: json().notNull(),
  platform: text(),
  details: json().notNull(),
});

/** Range-partitioned by `id`, the token's, monthly. */
export const observedLinks = pgTable(
  "observed_links",
  {
    id: uuid().notNull(),
    link: bytea().notNull(),
    parent: bytea(),
    depth: integer().notNull(),
    caveat: text(),
    agent: text(),
    handsOn: boolean("hands_on").notNull(),
    level: integer().notNull(),
    firstSeen: instant("first_seen").notNull(),
    lastSeen: instant("last_seen").notNull(),
    allowed: bigint({ mode: "number" }).notNull(),
    refused: bigint({ mode: "number" }).notNull(),
    recent: several().notNull(),
    recentSlot: bigint("recent_slot", { mode: "number" }).notNull(),
    children: integer().notNull(),
    below: integer().notNull(),
    whole: boolean().notNull(),
    approvals: several(),
  },
  (table) => [primaryKey({ columns: [table.id, table.link] })],
);

export const auditLeaves = pgTable("audit_leaves", {
  eventId: uuid("event_id").primaryKey(),
  salt: bytea().notNull(),
  hash: bytea(),
  tree: integer(),
  number: bigint({ mode: "number" }),
});

export const auditTrees = pgTable("audit_trees", {
  number: integer().primaryKey(),
  origin: text().notNull().unique(),
  epoch: text().notNull(),
  size: bigint({ mode: "number" }).notNull(),
  root: bytea().notNull(),
  checkpoint: text(),
  begunAt: instant("begun_at").notNull(),
  droppedBefore: instant("dropped_before"),
});

export const auditTiles = pgTable(
  "audit_tiles",
  {
    tree: integer().notNull(),
    level: smallint().notNull(),
    number: bigint({ mode: "number" }).notNull(),
    hashes: bytea().notNull(),
  },
  (table) => [primaryKey({ columns: [table.tree, table.level, table.number] })],
);

export const auditKey = pgTable("audit_key", {
  singleton: boolean().primaryKey(),
  publicKey: bytea("public_key").notNull(),
  sealed: bytea().notNull(),
  createdAt: instant("created_at").notNull(),
});

export const revocations = pgTable("revocations", {
  number: bigint({ mode: "number" }).primaryKey(),
  id: uuid().notNull(),
  scopeKind: text("scope_kind").notNull(),
  scopePlatform: text("scope_platform"),
  scopeIssuer: text("scope_issuer"),
  scopeSubject: text("scope_subject"),
  targetKind: text("target_kind").notNull(),
  targetRevocationId: bytea("target_revocation_id"),
  targetTokenId: uuid("target_token_id"),
  targetPrincipalId: text("target_principal_id"),
  targetIssuer: text("target_issuer"),
  targetSubject: text("target_subject"),
  targetAgent: text("target_agent"),
  targetKeyId: text("target_key_id"),
  targetPlatform: text("target_platform"),
  targetApprovalId: text("target_approval_id"),
  issuedBefore: instant("issued_before"),
  dedup: bytea().notNull().unique(),
  reason: text(),
  author: text().notNull(),
  revokedAt: instant("revoked_at").notNull(),
  lastMatchAt: instant("last_match_at").notNull(),
  salt: bytea(),
  hash: bytea(),
  reasonPublic: boolean("reason_public").notNull().default(false),
});

/** Hashes of entries that were dropped, and of the last one before there were hashes. */
export const revocationHashes = pgTable("revocation_hashes", {
  number: bigint({ mode: "number" }).primaryKey(),
  hash: bytea().notNull(),
  droppedAt: instant("dropped_at").notNull(),
});

/** One row: the counter that several the log, the log's epoch, its last hash, and the server to which it belongs. */
export const revocationLog = pgTable("revocation_log", {
  singleton: boolean().primaryKey().default(true),
  epoch: text().notNull(),
  lastNumber: bigint("last_number", { mode: "number" }).notNull(),
  hash: bytea().notNull(),
  systemIdentifier: text("system_identifier"),
  database: text(),
  timeline: integer(),
  synchronous: boolean().notNull().default(false),
  disputed: text(),
});

export const idempotency = pgTable("idempotency", {
  hash: bytea().primaryKey(),
  bodyHash: bytea("body_hash").notNull(),
  lease: text().notNull(),
  sealed: bytea(),
  expiresAt: instant("expires_at").notNull(),
});

export const sessions = pgTable("sessions", {
  idHash: bytea("id_hash").primaryKey(),
  id: uuid().notNull(),
  kind: text().notNull(),
  issuer: text().notNull(),
  subject: text().notNull(),
  email: text(),
  name: text(),
  groups: json().notNull(),
  authenticatedAt: instant("authenticated_at"),
  acr: text(),
  development: boolean().notNull(),
  createdAt: instant("created_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
});

/** A table of key pairs of one kind. */
export const keyPairTable = (name: string) =>
  pgTable(name, {
    id: text().primaryKey(),
    publicKey: bytea("public_key").notNull().unique(),
    sealed: bytea().notNull(),
    createdAt: instant("created_at").notNull(),
    activeFrom: instant("active_from").notNull(),
    expiresAt: instant("expires_at"),
  });

export const dischargeKeys = keyPairTable("discharge_keys");

export const dischargeRequests = pgTable("discharge_requests", {
  id: uuid().primaryKey(),
  kind: text().notNull(),
  protocol: text().notNull(),
  state: text().notNull(),
  condition: text().notNull(),
  code: text().notNull(),
  secretHash: bytea("secret_hash").notNull(),
  ticketHash: bytea("ticket_hash").notNull(),
  callerHash: bytea("caller_hash").notNull(),
  sealed: bytea(),
  ancestor: text(),
  about: json(),
  aboutOrigin: json("about_origin"),
  tokenId: uuid("token_id"),
  link: text(),
  depth: integer(),
  caveats: json(),
  allowance: json(),
  branch: json(),
  mortal: json(),
  approverKeys: json("approver_keys").notNull(),
  askedAt: instant("asked_at").notNull(),
  expiresAt: instant("expires_at").notNull(),
  decidedAt: instant("decided_at"),
  withdrawnAt: instant("withdrawn_at"),
  endsAt: instant("ends_at"),
});

export const dischargeDecisions = pgTable(
  "discharge_decisions",
  {
    id: uuid().primaryKey().defaultRandom(),
    requestId: uuid("request_id")
      .notNull()
      .references(() => dischargeRequests.id),
    issuer: text().notNull(),
    subject: text().notNull(),
    approved: boolean().notNull(),
    reason: text(),
    at: instant().notNull(),
    spokeAt: instant("spoke_at"),
  },
  (table) => [unique("discharge_decisions_once").on(table.requestId, table.issuer, table.subject)],
);

export const liveDischarges = pgTable("live_discharges", {
  place: bytea().primaryKey(),
  requestId: uuid("request_id").notNull(),
  livesUntil: instant("lives_until").notNull(),
});

export const webhookOutbox = pgTable("webhook_outbox", {
  id: uuid().primaryKey(),
  body: text().notNull(),
  attempts: integer().notNull(),
  dueAt: instant("due_at").notNull(),
});

/** Counters under links. Written by `bakehouse_charge` alone. */
export const budgets = pgTable(
  "budgets",
  {
    platform: text().notNull(),
    link: bytea().notNull(),
    used: numeric().notNull(),
    slots: several().notNull(),
    counts: several().notNull(),
    endsAt: instant("ends_at").notNull(),
  },
  (table) => [primaryKey({ columns: [table.platform, table.link] })],
);

/** Charges that are remembered. Written by `bakehouse_charge` alone. */
export const budgetCharges = pgTable("budget_charges", {
  hash: bytea().primaryKey(),
  question: bytea().notNull(),
  kept: json(),
  expiresAt: instant("expires_at").notNull(),
});

/** Proofs that were used. Written by `bakehouse_prove_and_charge` alone. */
export const proofs = pgTable("proofs", {
  hash: bytea().primaryKey(),
  expiresAt: instant("expires_at").notNull(),
});

export const reservations = pgTable("reservations", {
  id: uuid().primaryKey(),
  platform: text().notNull(),
  spends: json().notNull(),
  cost: json().notNull(),
  expiresAt: instant("expires_at").notNull(),
  state: text().notNull(),
  settled: json(),
  resource: text(),
});

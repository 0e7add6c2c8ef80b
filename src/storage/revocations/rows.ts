import { createHash } from "node:crypto";

import type {
  NewRevocation,
  Revocation,
  RevocationScope,
  RevocationTarget,
} from "../../domain/ports/revocations.ts";
import { StorageError } from "../engine/error.ts";
import {
  nullable,
  type Row,
  readBytes,
  readInstant,
  readInteger,
  readText,
  writeInstant,
  writeText,
} from "../engine/values.ts";

/** The columns of an entry as the function that appends answers them, whose answer keeps its form; as a list for SQL. */
export const APPENDED_COLUMNS = `number, id, scope_kind, scope_platform, scope_issuer, scope_subject,
  target_kind, target_revocation_id, target_token_id, target_principal_id, target_issuer, target_subject,
  target_agent, target_key_id, target_platform, target_approval_id, issued_before, reason, author, revoked_at, last_match_at,
  encode(substr(hash, 1, 8), 'hex') as hash`;

/** The columns of an entry, as a list for SQL. */
export const COLUMNS = `${APPENDED_COLUMNS}, reason_public`;

/** An entry's columns as the JSON that an insert reads; bytes are lower-case hex. */
export interface RevocationColumns {
  readonly [column: string]: string | boolean | null;
}

/** Turns an entry into columns. @param key the result of {@link dedup} for it */
export function toColumns({ scope, target, ...entry }: NewRevocation, key: string): RevocationColumns {
  return {
    id: entry.id,
    ...scopeColumns(scope),
    ...targetColumns(target),
    // No part of the entry's name: the same link is one entry, with its tree or without.
    ...(target.kind === "revocation_id" && target.tree !== undefined ? { target_token_id: target.tree } : {}),
    dedup: key,
    reason: entry.reason === null ? null : writeText(entry.reason),
    reason_public: entry.reasonIsPublic === true,
    author: writeText(entry.author),
    revoked_at: writeInstant(entry.revokedAt),
    last_match_at: writeInstant(entry.lastMatchAt),
  };
}

/**
 * Names a scope and target: SHA-256, in hex, over their parts, each after its length, so that no two different
 * ones are written alike. It is stored: the encoding of existing targets can never change.
 */
export function dedup(scope: RevocationScope, target: RevocationTarget): string {
  const hash = createHash("sha256").update("bakehouse revocation target v1\0");
  const columns = { ...scopeColumns(scope), ...targetColumns(target) };
  for (const [name, value] of Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const part of [name, value]) {
      const bytes = Buffer.from(part, "utf8");
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      hash.update(length).update(bytes);
    }
  }
  return hash.digest("hex");
}

function scopeColumns(scope: RevocationScope): Readonly<Record<string, string>> {
  switch (scope.kind) {
    case "all":
      return { scope_kind: scope.kind };
    case "platform":
    case "link":
      return { scope_kind: scope.kind, scope_platform: writeText(scope.platform) };
    case "principal":
      return {
        scope_kind: scope.kind,
        scope_issuer: writeText(scope.issuer),
        scope_subject: writeText(scope.subject),
      };
    default:
      return scope satisfies never;
  }
}

function targetColumns(target: RevocationTarget): Readonly<Record<string, string>> {
  const { kind } = target;
  switch (kind) {
    case "revocation_id":
      return { target_kind: kind, target_revocation_id: Buffer.from(target.id).toString("hex") };
    case "token_id":
      return { target_kind: kind, target_token_id: target.id };
    case "principal":
      return {
        target_kind: kind,
        target_issuer: writeText(target.issuer),
        target_subject: writeText(target.subject),
        issued_before: writeInstant(target.issuedBefore),
      };
    case "principal_id":
      return {
        target_kind: kind,
        target_principal_id: writeText(target.id),
        issued_before: writeInstant(target.issuedBefore),
      };
    case "agent":
      return {
        target_kind: kind,
        target_agent: writeText(target.agent),
        ...(target.tokenId === null ? {} : { target_token_id: target.tokenId }),
        issued_before: writeInstant(target.issuedBefore),
      };
    case "key_id":
      return { target_kind: kind, target_key_id: writeText(target.id) };
    case "approval_id":
      return { target_kind: kind, target_approval_id: writeText(target.id) };
    case "platform":
      return {
        target_kind: kind,
        target_platform: writeText(target.platform),
        issued_before: writeInstant(target.issuedBefore),
      };
    default:
      return target satisfies never;
  }
}

/**
 * Reads an entry. One of a kind that this version does not know is a fault: a reader that skipped it would go on
 * allowing tokens that a newer replica has revoked.
 */
export function toRevocation(row: Row): Revocation {
  return {
    number: readInteger(row["number"]),
    id: readText(row["id"]),
    scope: toScope(row),
    target: toTarget(row),
    reason: nullable(readText)(row["reason"]),
    ...(row["reason_public"] === true && { reasonIsPublic: true }),
    author: readText(row["author"]),
    revokedAt: readInstant(row["revoked_at"]),
    lastMatchAt: readInstant(row["last_match_at"]),
    hash: readHash(row["hash"]),
  };
}

/** Reads the part of a hash that sequences hold, in hex; undefined for none. */
export function readHash(value: unknown): string | undefined {
  return nullable(readText)(value) ?? undefined;
}

/** Reads a scope. One of a kind that this version does not know is a fault, as with {@link toRevocation}. */
export function toScope(row: Row): RevocationScope {
  const kind = row["scope_kind"];
  switch (kind) {
    case "all":
      return { kind };
    case "platform":
    case "link":
      return { kind, platform: readText(row["scope_platform"]) };
    case "principal":
      return { kind, issuer: readText(row["scope_issuer"]), subject: readText(row["scope_subject"]) };
    default:
      throw new StorageError("read revocations.scope_kind");
  }
}

function toTarget(row: Row): RevocationTarget {
  const kind = row["target_kind"];
  switch (kind) {
    case "revocation_id":
      return { kind, id: readBytes(row["target_revocation_id"]) };
    case "token_id":
      return { kind, id: readText(row["target_token_id"]) };
    case "principal": {
      const [issuer, subject] = [readText(row["target_issuer"]), readText(row["target_subject"])];
      return { kind, issuer, subject, issuedBefore: readInstant(row["issued_before"]) };
    }
    case "principal_id":
      return {
        kind,
        id: readText(row["target_principal_id"]),
        issuedBefore: readInstant(row["issued_before"]),
      };
    case "agent":
      return {
        kind,
        agent: readText(row["target_agent"]),
        tokenId: nullable(readText)(row["target_token_id"]),
        issuedBefore: readInstant(row["issued_before"]),
      };
    case "key_id":
      return { kind, id: readText(row["target_key_id"]) };
    case "approval_id":
      return { kind, id: readText(row["target_approval_id"]) };
    case "platform":
      return {
        kind,
        platform: readText(row["target_platform"]),
        issuedBefore: readInstant(row["issued_before"]),
      };
    default:
      throw new StorageError("read revocations.target_kind");
  }
}

import { z } from "zod";
import type { DischargeRequest } from "../../domain/ports/discharge-requests.ts";
import { REQUEST_STATES, SUMMARY_AUTHORS } from "../../words/states.ts";
import { nullable, type Row, readBytes, readInstant, readText } from "../engine/values.ts";
import { readJson } from "./json.ts";

const aboutSchema = z.strictObject({
  platform: z.string(),
  tokenId: z.string(),
  revocationId: z.string(),
  principal: z.strictObject({
    id: z.string(),
    issuer: z.string(),
    subject: z.string(),
    email: z.string().nullable(),
    assertedBy: z.enum(["issuer", "platform"]),
  }),
  caveats: z.array(z.string()),
  summary: z.string(),
  agents: z.array(z.string()),
});

// Beside `about`, since an older version refuses a member there that it does not know.
const originSchema = z.strictObject({
  issuedCaveats: z.int(),
  summaryParts: z.array(z.strictObject({ by: z.enum(SUMMARY_AUTHORS), text: z.string() })),
});

// A newer version may add members.
const allowanceSchema = z.object({
  what: z.array(z.string()),
  conditional: z.array(z.string()).default([]),
  uses: z.number().nullable().default(null),
  budgets: z.array(z.string()).default([]),
  from: z.number().nullable(),
  until: z.number().nullable(),
});

const mortalitySchema = z.object({
  keyId: z.string(),
  issuedAt: z.int(),
  agents: z.array(z.string()),
  links: z.array(z.string()),
});

const caveatsSchema = z.array(z.string());

const decisionsSchema = z.array(
  z.strictObject({
    issuer: z.string(),
    subject: z.string(),
    approved: z.boolean(),
    reason: z.string().nullable(),
    at: z.int(),
    spokeAt: z.int().nullable(),
  }),
);

const kindSchema = z.enum(["identity", "approval"]);
const protocolSchema = z.enum(["native", "bakery"]);
const keysSchema = z.array(z.string());

/** How a request's state is read. */
export const stateSchema = z.enum(REQUEST_STATES).exclude(["expired", "withdrawn", "revoked"]);

/** The columns of a request, from `discharge_requests as r`. */
export const COLUMNS = `
  r.id, r.kind, r.protocol, r.state, r.condition, r.code, r.secret_hash, r.ticket_hash, r.caller_hash, r.sealed,
  r.ancestor, r.about, r.about_origin, r.caveats, r.allowance, r.mortal, r.approver_keys, r.asked_at, r.expires_at, r.decided_at, r.withdrawn_at,
  (select coalesce(jsonb_agg(jsonb_build_object('issuer', d.issuer, 'subject', d.subject, 'approved', d.approved,
    'reason', d.reason, 'at', floor(extract(epoch from d.at) * 1000)::bigint,
    'spokeAt', floor(extract(epoch from d.spoke_at) * 1000)::bigint) order by d.at, d.issuer, d.subject),
    '[]'::jsonb) from discharge_decisions as d where d.request_id = r.id) as decisions`;

/** Reads a row of {@link COLUMNS}. */
export function toRequest(row: Row): DischargeRequest {
  return {
    id: readText(row["id"]),
    kind: readJson("discharge_requests.kind", kindSchema, row["kind"]),
    protocol: readJson("discharge_requests.protocol", protocolSchema, row["protocol"]),
    state: readJson("discharge_requests.state", stateSchema, row["state"]),
    condition: readText(row["condition"]),
    code: readText(row["code"]),
    secretHash: readBytes(row["secret_hash"]),
    ticketHash: readBytes(row["ticket_hash"]),
    callerHash: readBytes(row["caller_hash"]),
    sealed: nullable(readBytes)(row["sealed"]),
    ancestor: nullable(readText)(row["ancestor"]),
    caveats:
      row["caveats"] === null
        ? []
        : readJson("discharge_requests.caveats", caveatsSchema, parsed(row["caveats"])),
    allowance:
      row["allowance"] === null
        ? null
        : readJson("discharge_requests.allowance", allowanceSchema, parsed(row["allowance"])),
    about: readAbout(row["about"], row["about_origin"]),
    mortality:
      row["mortal"] === null
        ? null
        : readJson("discharge_requests.mortal", mortalitySchema, parsed(row["mortal"])),
    approverKeys: readJson("discharge_requests.approver_keys", keysSchema, parsed(row["approver_keys"])),
    askedAt: readInstant(row["asked_at"]),
    expiresAt: readInstant(row["expires_at"]),
    decidedAt: nullable(readInstant)(row["decided_at"]),
    withdrawnAt: nullable(readInstant)(row["withdrawn_at"]),
    decisions: readJson("discharge_decisions", decisionsSchema, parsed(row["decisions"])),
  };
}

/** @param origin null if an older version wrote the row: then every word counts as a holder's */
function readAbout(about: unknown, origin: unknown): DischargeRequest["about"] {
  if (about === null) return null;
  const subject = readJson("discharge_requests.about", aboutSchema, parsed(about));
  const parts = [{ by: "holder", text: subject.summary } as const];
  if (origin === null) return { ...subject, issuedCaveats: 0, summaryParts: parts };
  return { ...subject, ...readJson("discharge_requests.about_origin", originSchema, parsed(origin)) };
}

// One driver parses jsonb by itself, the other hands over its text.
function parsed(value: unknown): unknown {
  return typeof value === "string" ? JSON.parse(value) : value;
}

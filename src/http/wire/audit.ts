import { z } from "zod";

import type { AuditEventView, AuditQuery } from "../../domain/audit-service.ts";
import { UUID } from "../../words/ids.ts";
import { instant, lineOfText, platformName, printInstant, revocationId, tokenId } from "./text.ts";

/** Bytes that are no UTF-8 come as U+FFFD: nothing on record has that, so a caller had better hear of it. */
const text = lineOfText(1024).refine((value) => !value.includes("\ufffd"), "must be UTF-8");

/** An instant as callers write it. */
const moment = z.iso
  .datetime({ offset: true })
  .meta({ description: "RFC 3339.", examples: ["2026-11-22T13:00:00.000Z"] });

/** The query parameters that say which events are asked for. */
export const auditQuery = {
  actor: text
    .optional()
    .meta({ description: "A subject, a credential's token id or role, or a kind of actor." }),
  principal: text.optional().meta({ description: "A principal's id, or a subject." }),
  agent: text.optional(),
  token_id: tokenId.optional(),
  revocation_id: revocationId.optional(),
  action: z
    .string()
    .regex(/^[a-z_]{1,40}\.[a-z_]{1,40}$/, "must be an action such as token.issued")
    .optional(),
  platform: platformName.optional(),
  from: moment.optional().meta({ description: "RFC 3339, inclusive." }),
  to: moment.optional().meta({ description: "RFC 3339, exclusive." }),
};

type Query = { readonly [Name in keyof typeof auditQuery]?: string | undefined };

/** Reads the query parameters. */
export function toAuditQuery(query: Query): AuditQuery {
  const given = {
    actor: query.actor,
    principal: query.principal,
    agent: query.agent,
    tokenId: query.token_id,
    revocationId: query.revocation_id,
    action: query.action,
    platform: query.platform,
    from: query.from === undefined ? undefined : instantOf(query.from),
    to: query.to === undefined ? undefined : instantOf(query.to),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Years beyond those that the database keeps are the nearest that it does. */
function instantOf(written: string): number {
  return Math.min(Math.max(Date.parse(written), 0), 253_402_300_799_999);
}

/** An event. */
export const auditEventSchema = z
  .strictObject({
    id: z.string().regex(UUID),
    at: instant,
    action: z.string(),
    actor: z
      .strictObject({
        kind: z.string(),
        issuer: z.string().optional(),
        subject: z.string().optional(),
        token_id: z.string().optional(),
        role: z.string().optional(),
      })
      .meta({ description: "Who did it, by ids: none of them gives power." }),
    platform: z.string().nullable(),
    details: z.record(z.string(), z.unknown()).meta({ description: "Ids, names and sizes." }),
    leaf: z
      .strictObject({ origin: z.string(), index: z.int() })
      .optional()
      .meta({ description: "Which leaf of which tree it is. Absent in its first seconds." }),
  })
  .meta({ id: "AuditEvent", description: "One thing that was done, as it is on record." });

/** Writes an event. */
export function auditEventWire(event: AuditEventView): z.infer<typeof auditEventSchema> {
  const { kind, issuer, subject, tokenId: credential, role } = event.actor;
  const named = (name: string, value: unknown) => (typeof value === "string" ? { [name]: value } : {});
  return {
    id: event.id,
    at: printInstant(event.at),
    action: event.action,
    actor: {
      kind: typeof kind === "string" ? kind : "service",
      ...named("issuer", issuer),
      ...named("subject", subject),
      ...named("token_id", credential),
      ...named("role", role),
    },
    platform: event.platform,
    details: { ...event.details },
    ...(event.place && { leaf: event.place }),
  };
}

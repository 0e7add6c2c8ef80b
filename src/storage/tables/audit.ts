import type { AuditEvent, AuditStore } from "../../domain/ports/audit.ts";
import type { Run } from "../engine/connection.ts";
import { writeInstant } from "../engine/values.ts";

const APPEND = `
  insert into audit_events (id, at, action, actor, platform, details)
  select id, at, action, actor, platform, details
  from jsonb_to_recordset($1::jsonb)
    as event (id uuid, at timestamptz, action text, actor jsonb, platform text, details jsonb)`;

// Bounds one statement's size, not the number of events.
const BATCH = 2_000;

/** The audit log in the database. */
export function createAuditStore(run: Run): AuditStore {
  return {
    async append(events) {
      for (let start = 0; start < events.length; start += BATCH) {
        const batch = events.slice(start, start + BATCH).map(toAuditRow);
        await run("audit.append", (session) => session.query(APPEND, [JSON.stringify(batch)]));
      }
    },
  };
}

/** An event's columns as the JSON that an insert reads. */
export function toAuditRow({ id, at, action, actor, platform, details }: AuditEvent) {
  return { id, at: writeInstant(at), action, actor, platform, details };
}

import type { AuditStore } from "../domain/ports/audit.ts";
import type { Run } from "./connection.ts";
import { writeInstant } from "./values.ts";

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
        const batch = events.slice(start, start + BATCH).map((event) => ({
          id: event.id,
          at: writeInstant(event.at),
          action: event.action,
          actor: event.actor,
          platform: event.platform,
          details: event.details,
        }));
        await run("audit.append", (session) => session.query(APPEND, [JSON.stringify(batch)]));
      }
    },
  };
}

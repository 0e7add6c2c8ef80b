import type { RecordedDecisions } from "../domain/audit/decision-log.ts";
import { Invalid, type Reader } from "./environment.ts";

/** The settings of the audit log. */
export interface AuditConfig {
  /** Which decisions of verify are put on record. */
  readonly auditDecisions: RecordedDecisions;
  /** Whether checkpoints and hash tiles are for everyone. */
  readonly auditPublic: boolean;
}

function parseDecisions(text: string): RecordedDecisions {
  if (text === "none" || text === "refused" || text === "all") return text;
  const share = /^0\.[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (share > 0) return share;
  throw new Invalid("must be none, refused, all, or a share such as 0.01");
}

function parsePublic(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new Invalid("must be true or false");
}

/** Reads all that concerns the audit log. */
export function readAudit({ read }: Reader): AuditConfig {
  return {
    auditDecisions: read("AUDIT_DECISIONS", parseDecisions) ?? "refused",
    auditPublic: read("AUDIT_PUBLIC", parsePublic) ?? false,
  };
}

import type { Caller } from "./caller.ts";
import { uuidv7 } from "./parts/uuid.ts";
import { readVoucher } from "./parts/voucher.ts";
import type { Actor, AuditEvent } from "./ports/audit.ts";
import type { Randomness } from "./ports/randomness.ts";

/** How the audit log names a caller. */
export function actorOf(caller: Caller): Actor {
  if (caller.kind === "human") {
    const { kind, issuer } = readVoucher(caller.identity.issuer);
    return { kind: kind === "person" ? "principal" : kind, issuer, subject: caller.identity.subject };
  }
  const role = caller.role === "platform" ? `platform:${caller.platform}` : caller.role;
  return { kind: "credential", tokenId: caller.credentialId, role };
}

/** @param at unix milliseconds, by the database's clock */
export function auditEvent(
  randomness: Randomness,
  at: number,
  event: Pick<AuditEvent, "action" | "actor" | "platform" | "details">,
): AuditEvent {
  return { id: uuidv7(at, randomness), at, ...event };
}

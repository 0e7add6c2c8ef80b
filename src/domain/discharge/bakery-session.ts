import { createHash } from "node:crypto";

/** The id of the session that a login by macaroon-bakery's protocol begins. @param ticketHash of the login macaroon's ticket */
export function bakerySessionId(ticketHash: Uint8Array): Uint8Array {
  return new Uint8Array(
    createHash("sha256").update("bakehouse bakery session v1\0").update(ticketHash).digest(),
  );
}

import { z } from "zod";
import type { Session } from "../../domain/ports/sessions.ts";
import { SESSION_KINDS } from "../../words/states.ts";
import { instant, opaqueId, printInstant } from "./text.ts";

/** A login session, as answers write it. */
export const sessionSchema = z
  .strictObject({
    id: opaqueId,
    kind: z.enum(SESSION_KINDS).meta({
      description: "`program`: a client of macaroon-bakery that acts as the person at this API.",
    }),
    created_at: instant,
    expires_at: instant,
  })
  .meta({ id: "Session" });

/** Writes a session. */
export function sessionWire({ id, kind, createdAt, expiresAt }: Session): z.infer<typeof sessionSchema> {
  return { id, kind, created_at: printInstant(createdAt), expires_at: printInstant(expiresAt) };
}

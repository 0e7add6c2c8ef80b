import { z } from "zod";
import type { KeyView } from "../../domain/service.ts";
import { KEY_STATES } from "../../words/states.ts";
import { instant, opaqueId, platformName, printInstant } from "./text.ts";

/** A root key, as answers write it. */
export const keySchema = z
  .strictObject({
    key_id: opaqueId,
    platform: platformName,
    state: z.enum(KEY_STATES).meta({
      description: "`pending` does not sign yet, `retired` signs no more; tokens under all three verify.",
    }),
    created_at: instant,
    active_from: instant,
    retired_at: instant.optional().meta({ description: "When it stopped, or will stop, signing." }),
    expires_at: instant
      .optional()
      .meta({ description: "No token under it is alive after this; it is destroyed then." }),
  })
  .meta({ id: "Key", description: "A root key, without the key: that never leaves the service." });

/** Writes a root key. */
export function keyWire(key: KeyView): z.infer<typeof keySchema> {
  return {
    key_id: key.keyId,
    platform: key.platform,
    state: key.state,
    created_at: printInstant(key.createdAt),
    active_from: printInstant(key.activeFrom),
    ...(key.retiredAt === null ? {} : { retired_at: printInstant(key.retiredAt) }),
    ...(key.expiresAt === null ? {} : { expires_at: printInstant(key.expiresAt) }),
  };
}

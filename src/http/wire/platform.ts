import { z } from "zod";

import type { Platform } from "../../domain/ports/platforms.ts";
import { policySchema, policyWire } from "./policy.ts";
import { instant, platformName, printInstant } from "./text.ts";

/** A platform, as answers write it. */
export const platformSchema = z
  .strictObject({ name: platformName, created_at: instant, policy: policySchema })
  .meta({ id: "Platform", description: "An application that owns tokens." });

/** Writes a platform. */
export function platformWire({ name, createdAt, policy }: Platform): z.infer<typeof platformSchema> {
  return { name, created_at: printInstant(createdAt), policy: policyWire(policy) };
}

import { z } from "zod";

import type { SliceClock } from "../../domain/parts/time-slice.ts";
import type { Platform } from "../../domain/ports/platforms.ts";
import type { LongText } from "../parts/long-body.ts";
import { policyJson, policySchema } from "./policy.ts";
import { instant, platformName, printInstant } from "./text.ts";

/** A platform, as answers write it. */
export const platformSchema = z
  .strictObject({ name: platformName, created_at: instant, policy: policySchema })
  .meta({ id: "Platform", description: "An application that owns tokens." });

/** Writes a platform as JSON, the rules of its policy in turns. */
export async function platformJson(
  { name, createdAt, policy }: Platform,
  clock: SliceClock,
): Promise<LongText> {
  const rest = JSON.stringify({ name, created_at: printInstant(createdAt) });
  return [`${rest.slice(0, -1)},"policy":`, ...(await policyJson(policy, clock)), "}"];
}

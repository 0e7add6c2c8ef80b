import { z } from "zod";

import type { SliceClock } from "../../domain/parts/time-slice.ts";
import type { Platform } from "../../domain/ports/platforms.ts";
import type { LongText } from "../parts/long-body.ts";
import { policyJson, policySchema } from "./policy.ts";
import { instant, platformName, printInstant } from "./text.ts";

/** A platform, as answers write it. */
export const platformSchema = z
  .strictObject({
    name: platformName,
    created_at: instant,
    policy: policySchema,
    resource_hosts: z
      .array(z.string())
      .meta({ description: "Hosts under which it may register resources.", examples: [["mcp.example.com"]] }),
  })
  .meta({ id: "Platform", description: "An application that owns tokens." });

/** Writes a platform as JSON, the rules of its policy in turns. */
export async function platformJson(
  { name, createdAt, policy, resourceHosts }: Platform,
  clock: SliceClock,
): Promise<LongText> {
  const rest = JSON.stringify({ name, created_at: printInstant(createdAt) });
  const hosts = JSON.stringify(resourceHosts);
  const written = await policyJson(policy, clock);
  return [`${rest.slice(0, -1)},"policy":`, ...written, `,"resource_hosts":${hosts}}`];
}

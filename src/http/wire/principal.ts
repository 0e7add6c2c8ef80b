import { z } from "zod";

import { shownIssuer } from "../../domain/parts/voucher.ts";
import type { Principal } from "../../domain/ports/principals.ts";

/** A principal, as answers write it. */
export const principalSchema = z
  .strictObject({
    id: z.string().meta({ description: "Random; another one on every platform." }),
    issuer: z.string().meta({ description: "The OIDC issuer." }),
    subject: z.string(),
    kind: z.literal("workload").optional().meta({
      description:
        "Present where this is no human: a job or service that its issuer vouches for. A person of the same issuer and subject is another principal.",
    }),
    email: z
      .string()
      .optional()
      .meta({ description: "Only where the issuer said that it is verified. It decides nothing." }),
    asserted_by: z.literal("platform").optional().meta({
      description:
        "Present where the platform named this person by its own word (`on_behalf_of`). Absent where the issuer vouched, with an ID token or a login.",
    }),
  })
  .meta({
    id: "Principal",
    description: "A human, or a workload, on one platform.",
    examples: [
      {
        id: "pW3kD0q9xYb2LmNa",
        issuer: "https://login.example.com",
        subject: "248289761001",
        email: "alice@example.com",
      },
    ],
  });

/** Writes a principal. */
export function principalWire(
  principal: Pick<Principal, "id" | "issuer" | "subject" | "email" | "assertedBy">,
): z.infer<typeof principalSchema> {
  const { id, subject, email, assertedBy } = principal;
  return {
    id,
    ...shownIssuer(principal.issuer),
    subject,
    ...(email === null ? {} : { email }),
    ...(assertedBy === "platform" ? { asserted_by: "platform" as const } : {}),
  };
}

import { z } from "zod";
import { MAX_TOKEN_LIFE } from "../../domain/parts/lifetimes.ts";

import type { Policy, PolicyRule } from "../../domain/ports/policy.ts";
import { caveats, lineOfText } from "./text.ts";

const rule = z
  .strictObject({
    issuer: lineOfText(1024)
      .optional()
      .meta({ description: "The OIDC issuer. Left out: the service's own." }),
    groups: z
      .array(lineOfText(255))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "At least one of these. Left out: any or none." }),
    subjects: z
      .array(lineOfText(255))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "One of these. Left out: any." }),
    caveats: caveats.optional().meta({ description: "Added to every token under this rule." }),
    max_ttl: z
      .int()
      .min(1)
      .max(MAX_TOKEN_LIFE / 1000)
      .meta({ description: "The longest life of a token, seconds; at most 90 days." }),
    on_behalf_of: z.boolean().optional().meta({
      description:
        "Whether the platform may issue by its own word. False where left out. A rule with groups cannot: no issuer vouched for them.",
    }),
  })
  .refine(({ groups, on_behalf_of }) => groups === undefined || on_behalf_of !== true, {
    path: ["on_behalf_of"],
    error: "must not be true in a rule with groups",
  })
  .meta({
    id: "PolicyRule",
    description:
      "Matches a human who satisfies every member that it has. The first rule that matches decides.",
  });

/** A policy, in requests and answers. */
export const policySchema = z
  .strictObject({
    rules: z
      .array(rule)
      .max(1000)
      .meta({ description: "Closed by default: where none matches, no token is issued." }),
  })
  .meta({
    id: "Policy",
    description: "To whom a platform's tokens may be issued.",
    examples: [{ rules: [{ groups: ["engineering"], max_ttl: 86_400, caveats: ["action in read, list"] }] }],
  });

type PolicyWire = z.infer<typeof policySchema>;

/** Reads a policy. */
export function policyOf(body: PolicyWire): Policy {
  return {
    rules: body.rules.map((read) => ({
      issuer: read.issuer ?? null,
      groups: read.groups ?? null,
      subjects: read.subjects ?? null,
      caveats: read.caveats ?? [],
      maxTtl: read.max_ttl,
      onBehalfOf: read.on_behalf_of ?? false,
    })),
  };
}

/** Writes a policy. */
export function policyWire(policy: Policy): PolicyWire {
  return { rules: policy.rules.map(ruleWire) };
}

function ruleWire({ issuer, groups, subjects, caveats, maxTtl, onBehalfOf }: PolicyRule) {
  return {
    ...(issuer === null ? {} : { issuer }),
    ...(groups === null ? {} : { groups: [...groups] }),
    ...(subjects === null ? {} : { subjects: [...subjects] }),
    caveats: [...caveats],
    max_ttl: maxTtl,
    on_behalf_of: onBehalfOf,
  };
}

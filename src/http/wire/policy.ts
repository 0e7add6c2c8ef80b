import { z } from "zod";
import { MAX_TOKEN_LIFE } from "../../domain/parts/lifetimes.ts";
import { mapInSlices, type SliceClock } from "../../domain/parts/time-slice.ts";
import type { Policy, PolicyRule } from "../../domain/ports/policy.ts";
import type { JsonPathStep } from "../../json/error.ts";
import type { JsonValue } from "../../json/value.ts";
import { withPlaces } from "../parts/batch.ts";
import type { LongText } from "../parts/long-body.ts";
import { jsonArray } from "../parts/reply.ts";
import { checkAt } from "../request/json-body.ts";
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

const MOST_RULES = 1000;

/** A policy, in requests and answers. */
export const policySchema = z
  .strictObject({
    rules: z
      .array(rule)
      .max(MOST_RULES)
      .meta({ description: "Closed by default: where none matches, no token is issued." }),
  })
  .meta({
    id: "Policy",
    description: "To whom a platform's tokens may be issued.",
    examples: [{ rules: [{ groups: ["engineering"], max_ttl: 86_400, caveats: ["action in read, list"] }] }],
  });

/** A policy without what its rules say: they are checked one by one. */
const frame = policySchema.extend({ rules: z.array(z.unknown()).max(MOST_RULES) });

/**
 * Reads a policy, its rules in turns: together they may have tens of thousands of groups.
 *
 * @param within the way to it in the body
 * @throws DomainError or JsonError that names the member at fault
 */
export async function readPolicy(
  tree: JsonValue,
  clock: SliceClock,
  within: readonly JsonPathStep[] = [],
): Promise<Policy> {
  const { elements, rest } = withPlaces(tree, "rules", MOST_RULES);
  checkAt(within, frame, rest);
  const rules = await mapInSlices(elements, clock, (element, index) =>
    ruleOf(checkAt([...within, "rules", index], rule, element)),
  );
  return { rules };
}

function ruleOf(read: z.infer<typeof rule>): PolicyRule {
  return {
    issuer: read.issuer ?? null,
    groups: read.groups ?? null,
    subjects: read.subjects ?? null,
    caveats: read.caveats ?? [],
    maxTtl: read.max_ttl,
    onBehalfOf: read.on_behalf_of ?? false,
  };
}

/** Writes a policy as JSON, its rules in turns. */
export async function policyJson({ rules }: Policy, clock: SliceClock): Promise<LongText> {
  const written = await jsonArray(rules, clock, (rule) => JSON.stringify(ruleWire(rule)));
  return ['{"rules":', ...written, "}"];
}

function ruleWire({ issuer, groups, subjects, caveats, maxTtl, onBehalfOf }: PolicyRule) {
  return {
    ...(issuer === null ? {} : { issuer }),
    ...(groups === null ? {} : { groups }),
    ...(subjects === null ? {} : { subjects }),
    caveats,
    max_ttl: maxTtl,
    on_behalf_of: onBehalfOf,
  };
}

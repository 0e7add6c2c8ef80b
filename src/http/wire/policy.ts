import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import { MAX_TOKEN_LIFE } from "../../domain/parts/lifetimes.ts";
import { mapInSlices, type SliceClock } from "../../domain/parts/time-slice.ts";
import type { ClaimDemand, Policy, PolicyClients, PolicyRule } from "../../domain/ports/policy.ts";
import { type JsonPathStep, renderPath } from "../../json/error.ts";
import type { JsonValue } from "../../json/value.ts";
import { withPlaces } from "../parts/batch.ts";
import type { LongText } from "../parts/long-body.ts";
import { jsonArray } from "../parts/reply.ts";
import { checkAt } from "../request/json-body.ts";
import { caveats, lineOfText } from "./text.ts";

/** Most claims that a rule asks for, and most texts that will do for one. */
const MOST_CLAIMS = 20;
const MOST_VALUES = 1000;

const claimText = lineOfText(1024);

const claims = z
  .record(lineOfText(255), z.union([claimText, z.array(claimText).min(1).max(MOST_VALUES)]))
  .refine((asked) => Object.keys(asked).length > 0, "must name a claim")
  .refine((asked) => Object.keys(asked).length <= MOST_CLAIMS, `must name at most ${MOST_CLAIMS} claims`);

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
    claims: claims.optional().meta({
      description:
        "What an assertion (of a workload, or an ID-JAG) has to say: for each claim a text, or a list of texts of which one will do. Compared exactly; a claim that is no text satisfies nothing. People with an ID token or a session have no claims, so such a rule is never theirs.",
      examples: [{ repository: "acme/web" }],
    }),
    caveats: caveats.optional().meta({ description: "Added to every token under this rule." }),
    max_ttl: z
      .int()
      .min(1)
      .max(MAX_TOKEN_LIFE / 1000)
      .meta({ description: "The longest life of a token, seconds; at most 90 days." }),
    session: z
      .int()
      .min(1)
      .max(MAX_TOKEN_LIFE / 1000)
      .optional()
      .meta({
        description:
          "For how long a token can be renewed, seconds from the issue of the first; at most 90 days. Left out: not at all.",
      }),
    on_behalf_of: z.boolean().optional().meta({
      description:
        "Whether the platform may issue by its own word. False where left out. A rule with groups or claims cannot: no issuer vouched for them.",
    }),
  })
  .refine(({ groups, on_behalf_of }) => groups === undefined || on_behalf_of !== true, {
    path: ["on_behalf_of"],
    error: "must not be true in a rule with groups",
  })
  .refine(({ claims, on_behalf_of }) => claims === undefined || on_behalf_of !== true, {
    path: ["on_behalf_of"],
    error: "must not be true in a rule with claims",
  })
  .meta({
    id: "PolicyRule",
    description:
      "Matches a principal who satisfies every member that it has. The first rule that matches decides.",
  });

const MOST_RULES = 1000;

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const DOMAIN = new RegExp(`^(?:\\*\\.)?${LABEL}(?:\\.${LABEL})+$`);

const clients = z
  .strictObject({
    metadata_documents: z.boolean().meta({
      description: "Whether a client may introduce itself by a document at its own https address.",
    }),
    domains: z
      .array(z.string().max(253).regex(DOMAIN, "must be a host in lower case, or *. and one"))
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: "The hosts of such documents; `*.` means all below a host. Left out: any." }),
  })
  .meta({ id: "PolicyClients", description: "OAuth clients besides the registered ones." });

/** A policy, in requests and answers. */
export const policySchema = z
  .strictObject({
    rules: z
      .array(rule)
      .max(MOST_RULES)
      .meta({ description: "Closed by default: where none matches, no token is issued." }),
    clients: clients.optional().meta({
      description: "OAuth clients that are not registered. Left out: none.",
    }),
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
  const { clients: asked } = checkAt(within, frame, rest);
  const rules = await mapInSlices(elements, clock, (element, index) =>
    readRule(element, [...within, "rules", index]),
  );
  return { rules, ...(asked !== undefined && { clients: clientsOf(asked) }) };
}

function clientsOf({ metadata_documents, domains }: z.infer<typeof clients>): PolicyClients {
  return { metadataDocuments: metadata_documents, ...(domains !== undefined && { domains }) };
}

/** Claims in the order of their names: a policy is the same in whichever order they are written. */
function demandsOf(asked: z.infer<typeof claims>): readonly ClaimDemand[] {
  const demands = Object.entries(asked).map(([claim, values]) => ({
    claim,
    values: typeof values === "string" ? [values] : values,
  }));
  return demands.sort((one, other) => (one.claim < other.claim ? -1 : 1));
}

/** Reads a rule. A schema passes over a member `__proto__` in silence, and a claim that is not asked for is a limit less. */
function readRule(element: JsonValue, within: readonly JsonPathStep[]): PolicyRule {
  const claims: JsonValue | undefined = element instanceof Map ? element.get("claims") : undefined;
  if (claims instanceof Map && claims.has("__proto__")) {
    const member = renderPath([...within, "claims", "__proto__"]);
    throw new DomainError("invalid_request", "is not a claim's name", member);
  }
  const read = checkAt(within, rule, element);
  return {
    issuer: read.issuer ?? null,
    groups: read.groups ?? null,
    subjects: read.subjects ?? null,
    ...(read.claims !== undefined && { claims: demandsOf(read.claims) }),
    caveats: read.caveats ?? [],
    maxTtl: read.max_ttl,
    ...(read.session !== undefined && { session: read.session }),
    onBehalfOf: read.on_behalf_of ?? false,
  };
}

/** Writes a policy as JSON, its rules in turns. */
export async function policyJson({ rules, clients }: Policy, clock: SliceClock): Promise<LongText> {
  const written = await jsonArray(rules, clock, (rule) => JSON.stringify(ruleWire(rule)));
  return ['{"rules":', ...written, clients === undefined ? "}" : `,"clients":${clientsText(clients)}}`];
}

function clientsText({ metadataDocuments, domains }: PolicyClients): string {
  return JSON.stringify({ metadata_documents: metadataDocuments, ...(domains !== undefined && { domains }) });
}

function ruleWire(rule: PolicyRule) {
  const { issuer, groups, subjects, claims, caveats, maxTtl, session, onBehalfOf } = rule;
  return {
    ...(issuer === null ? {} : { issuer }),
    ...(groups === null ? {} : { groups }),
    ...(subjects === null ? {} : { subjects }),
    ...(claims && { claims: claimsWire(claims) }),
    caveats,
    max_ttl: maxTtl,
    ...(session === undefined ? {} : { session }),
    on_behalf_of: onBehalfOf,
  };
}

function claimsWire(claims: readonly ClaimDemand[]): object {
  return Object.fromEntries(
    claims.map(({ claim, values }) => [claim, values.length === 1 ? values[0] : values]),
  );
}

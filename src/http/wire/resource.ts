import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { MAX_TOKEN_LIFE } from "../../domain/parts/lifetimes.ts";
import type { Resource } from "../../domain/ports/resources.ts";
import type { ResourceRequest } from "../../domain/resource-service.ts";
import { SCOPE } from "../../words/ids.ts";
import { RESOURCE_URI, readResourceUri } from "../../words/resource-uri.ts";
import { caveats, instant, lineOfText, opaqueId, platformName, printInstant } from "./text.ts";

/** The URI of a resource, in any spelling of the canonical one. The domain reads it. */
export const resourceUri = z
  .string()
  .min(1)
  .max(RESOURCE_URI)
  .meta({
    description: "The canonical URI of an API or tool server (RFC 8707).",
    examples: ["https://mcp.example.com/mcp"],
  });

/** Reads it as the canonical one. @throws DomainError that names the member, for a text that is no URI of a resource */
export function readUri(text: string, member: string): string {
  const read = readResourceUri(text);
  if (read.ok) return read.uri;
  throw new DomainError("invalid_request", read.why, member);
}

const scope = z.strictObject({
  scope: z
    .string()
    .regex(SCOPE, "must be a scope token")
    .meta({ examples: ["files:read"] }),
  description: lineOfText(300).meta({ description: "One line for the person who is asked for it." }),
});

const maxTtl = z
  .int()
  .min(1)
  .max(MAX_TOKEN_LIFE / 1000)
  .meta({ description: "The longest life of a token for it, seconds. Left out: only policy limits it." });

/** A resource, as requests write it. */
export const resourceRequestSchema = z
  .strictObject({
    resource: resourceUri,
    name: lineOfText(200).meta({ description: "A name for people." }),
    scopes: z.array(scope).max(100).optional().meta({ description: "No two of one name." }),
    caveats: caveats
      .optional()
      .meta({ description: "Caveats of every token that the token endpoint issues for it." }),
    max_ttl: maxTtl.optional(),
    accept_unbound: z.boolean().optional().meta({
      description:
        "Whether it takes tokens that were issued without an `aud` that names it. False where left out.",
    }),
  })
  .meta({ id: "ResourceRequest" });

/** Reads it. */
export function readResource(body: z.infer<typeof resourceRequestSchema>): ResourceRequest {
  return {
    resource: body.resource,
    name: body.name,
    scopes: body.scopes ?? [],
    caveats: body.caveats ?? [],
    maxTtl: body.max_ttl ?? null,
    acceptUnbound: body.accept_unbound ?? false,
  };
}

/** A resource, as answers write it. */
export const resourceSchema = z
  .strictObject({
    id: opaqueId,
    platform: platformName,
    resource: resourceUri,
    name: z.string(),
    scopes: z.array(z.strictObject({ scope: z.string(), description: z.string() })),
    caveats,
    max_ttl: maxTtl.optional(),
    accept_unbound: z.boolean(),
    created_at: instant,
  })
  .meta({ id: "Resource", description: "An API or tool server of a platform." });

/** Writes a resource. */
export function resourceWire(resource: Resource): z.infer<typeof resourceSchema> {
  const { id, platform, name, scopes, maxTtl, acceptUnbound, createdAt } = resource;
  return {
    id,
    platform,
    resource: resource.resource,
    name,
    scopes: scopes.map(({ scope, description }) => ({ scope, description })),
    caveats: [...resource.caveats],
    ...(maxTtl !== null && { max_ttl: maxTtl }),
    accept_unbound: acceptUnbound,
    created_at: printInstant(createdAt),
  };
}

import { z } from "zod";

import { jsonBody } from "../json-body.ts";
import { json } from "../reply.ts";
import { defineRoute } from "../route.ts";
import { cursor, cursors, limit, pageOf } from "../wire/page.ts";
import { platformSchema, platformWire } from "../wire/platform.ts";
import { policyOf, policySchema } from "../wire/policy.ts";
import { caveats, lineOfText, platformName } from "../wire/text.ts";
import { issuedTokenSchema, issuedTokenWire } from "../wire/token.ts";

const list = cursors("platforms", /^[a-z0-9-]{1,63}$/);

const platformExample = { name: "shop", created_at: "2026-11-22T13:00:00.000Z", policy: { rules: [] } };

/** `GET /v1/platforms` */
export const listPlatforms = defineRoute({
  method: "GET",
  path: "/v1/platforms",
  operationId: "listPlatforms",
  tag: "Platforms",
  summary: "List platforms",
  description: "By name. For administrators.",
  auth: "caller",
  query: z.strictObject({ limit: limit.optional(), cursor: cursor.optional() }),
  responses: {
    200: {
      description: "A page of platforms.",
      schema: pageOf(platformSchema),
      example: { items: [platformExample], next_cursor: null },
    },
  },
  async handler({ service, caller, query }) {
    const page = await service.platforms.list(caller, list.request(query));
    return json(200, list.answer(page, platformWire));
  },
});

const createSchema = z
  .strictObject({
    name: platformName,
    policy: policySchema
      .optional()
      .meta({ description: "Left out: nothing can be issued until one is put." }),
  })
  .meta({ id: "PlatformRequest" });

/** `POST /v1/platforms` */
export const createPlatform = defineRoute({
  method: "POST",
  path: "/v1/platforms",
  operationId: "createPlatform",
  tag: "Platforms",
  summary: "Create a platform",
  description: "With root keys of its own. For administrators. `conflict` where the name is taken.",
  auth: "caller",
  body: jsonBody(createSchema, { name: "shop", policy: { rules: [{ max_ttl: 3600 }] } }),
  responses: { 201: { description: "Created.", schema: platformSchema, example: platformExample } },
  problems: ["conflict", "unprocessable"],
  async handler({ service, caller, body }) {
    const policy = body.policy === undefined ? undefined : policyOf(body.policy);
    return json(201, platformWire(await service.platforms.create(caller, body.name, policy)));
  },
});

const credentialSchema = z
  .strictObject({
    ttl: z.int().min(1).optional().meta({ description: "Seconds; 90 days by default and at most." }),
    caveats: caveats.optional().meta({
      description:
        "What narrows it, on `action` (`issue`, `verify`, `revoke`, `read`, `discharge`, `keys`, `platforms`, `policy`, `audit`), `platform`, `method`, `path` and `ip`.",
    }),
    label: lineOfText(200).optional(),
  })
  .meta({ id: "CredentialRequest" });

/** `POST /v1/platforms/{name}/credentials` */
export const createCredential = defineRoute({
  method: "POST",
  path: "/v1/platforms/{name}/credentials",
  operationId: "createCredential",
  tag: "Platforms",
  summary: "Issue a credential of a platform",
  description:
    "A macaroon that is good for this API and nothing else. It can be attenuated offline, listed and revoked like any token. Issue the new one before the old one ends.",
  auth: "caller",
  params: z.strictObject({ name: platformName }),
  body: jsonBody(credentialSchema, { caveats: ["action in verify"], label: "the gateway" }),
  responses: { 201: { description: "Issued.", schema: issuedTokenSchema } },
  problems: ["not_found", "unprocessable", "ttl_too_long"],
  async handler({ service, caller, params, body }) {
    const issued = await service.platforms.issueCredential(caller, params.name, {
      ttl: body.ttl,
      caveats: body.caveats ?? [],
      label: body.label,
    });
    return json(201, issuedTokenWire(issued));
  },
});

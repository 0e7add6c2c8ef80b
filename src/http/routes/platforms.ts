import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import { requireAdministrator, requireAdministratorRole } from "../../domain/permission.ts";
import type { Policy } from "../../domain/ports/policy.ts";
import { API_ACTIONS } from "../../words/actions.ts";
import type { LongText } from "../parts/long-body.ts";
import { json, jsonParts } from "../parts/reply.ts";
import { MAX_BODY } from "../request/body.ts";
import { check, type JsonBody, jsonBody, plainBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";
import { platformJson, platformSchema } from "../wire/platform.ts";
import { policySchema, readPolicy } from "../wire/policy.ts";
import { readUri, resourceUri } from "../wire/resource.ts";
import { caveats, lineOfText, platformName } from "../wire/text.ts";
import { issuedTokenSchema, issuedTokenWire } from "../wire/token.ts";

const list = cursors("platforms", /^[a-z0-9-]{1,63}$/);

const platformExample = {
  name: "shop",
  created_at: "2026-11-22T13:00:00.000Z",
  policy: { rules: [] },
  resource_hosts: [],
};

/** `GET /v1/platforms` */
export const listPlatforms = defineRoute({
  method: "GET",
  path: "/v1/platforms",
  operationId: "listPlatforms",
  tag: "Platforms",
  summary: "List platforms",
  description: "By name. For administrators.",
  auth: "caller",
  query: z.strictObject(pageParameters),
  responses: {
    200: {
      description: "A page of platforms.",
      schema: pageOf(platformSchema),
      example: { items: [platformExample], next_cursor: null },
    },
  },
  async handler({ context, service, caller, query }) {
    const page = await service.platforms.list(caller, list.request(query));
    const written: LongText[] = [];
    for (const platform of page.items) written.push(await platformJson(platform, context.clock));
    return list.answerWith(page, written);
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

const frame = createSchema.extend({ policy: z.unknown().optional() });

interface NewPlatform {
  readonly name: string;
  readonly policy: Policy | undefined;
}

const createBody: JsonBody<NewPlatform> = {
  schema: createSchema,
  example: { name: "shop", policy: { rules: [{ max_ttl: 3600 }] } },
  maxBytes: MAX_BODY,
  async read(tree, _, clock) {
    const given = tree instanceof Map ? tree.get("policy") : undefined;
    const rest = tree instanceof Map && given !== undefined ? new Map([...tree, ["policy", null]]) : tree;
    const { name } = check(frame, plainBody(rest));
    return { name, policy: given === undefined ? undefined : await readPolicy(given, clock, ["policy"]) };
  },
};

/** `POST /v1/platforms` */
export const createPlatform = defineRoute({
  method: "POST",
  path: "/v1/platforms",
  operationId: "createPlatform",
  tag: "Platforms",
  summary: "Create a platform",
  description: "With root keys of its own. For administrators. `conflict` where the name is taken.",
  auth: "caller",
  authorize: requireAdministratorRole,
  body: createBody,
  responses: { 201: { description: "Created.", schema: platformSchema, example: platformExample } },
  problems: ["conflict", "unprocessable"],
  async handler({ context, service, caller, body }) {
    try {
      const platform = await service.platforms.create(caller, body.name, body.policy);
      return jsonParts(201, await platformJson(platform, context.clock));
    } catch (error) {
      throw withinPolicy(error);
    }
  },
});

/** The domain names a policy's members from the policy on; in this body it is a member itself. */
function withinPolicy(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.member?.startsWith("rules") !== true) return error;
  return new DomainError(error.code, error.message, `policy.${error.member}`);
}

const credentialSchema = z
  .strictObject({
    ttl: z.int().min(1).optional().meta({ description: "Seconds; 90 days by default and at most." }),
    caveats: caveats.optional().meta({
      description: `What narrows it, on \`action\` (${API_ACTIONS.map((action) => `\`${action}\``).join(", ")}), \`platform\`, \`method\`, \`path\`, \`ip\` and \`resource\`, the one that asks.`,
    }),
    label: lineOfText(200).optional(),
    resource: resourceUri.optional().meta({
      description:
        "A resource of the platform, which the credential asks as unless a request names another: then the caveat `resource = URI` that it gets refuses.",
    }),
  })
  .meta({ id: "CredentialRequest" });

const credentialExample = {
  token: "AgEVaHR0cDovLzEyNy4wLjAuMTo4MDgwAl9iaDEu",
  token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082",
  revocation_id: "ASNFZ4mrze8BI0VniavN7w",
  platform: "bakehouse",
  principal: { id: "Qm2xT9aBcDeFpW3k", issuer: "http://127.0.0.1:8080", subject: "platform:shop" },
  issued_at: "2026-11-22T13:00:00.000Z",
  expires_at: "2027-02-20T13:00:00.000Z",
  caveats: ["time < 2027-02-20T13:00:00.000Z", "action in verify"],
  summary: "Until 20 February 2027, verify.",
  summary_parts: [{ by: "issued", text: "Until 20 February 2027, verify." }],
};

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
  authorize: (caller, { name }) => requireAdministrator(caller, "platforms", name),
  params: z.strictObject({ name: platformName }),
  body: jsonBody(credentialSchema, { caveats: ["action in verify"], label: "the gateway" }),
  responses: { 201: { description: "Issued.", schema: issuedTokenSchema, example: credentialExample } },
  problems: ["not_found", "unprocessable", "ttl_too_long"],
  async handler({ service, caller, params, body }) {
    const issued = await service.platforms.issueCredential(caller, params.name, {
      ttl: body.ttl,
      caveats: body.caveats ?? [],
      label: body.label,
      resource: body.resource === undefined ? undefined : readUri(body.resource, "resource"),
    });
    return json(201, issuedTokenWire(issued));
  },
});

import { z } from "zod";

import { ANY_RESOURCE, type Caller } from "../../domain/caller.ts";
import { requireAdministrator, requireAdministratorOrPlatform } from "../../domain/permission.ts";
import { UUID } from "../../words/ids.ts";
import { json, jsonParts } from "../parts/reply.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";
import { platformJson, platformSchema } from "../wire/platform.ts";
import { readResource, resourceRequestSchema, resourceSchema, resourceWire } from "../wire/resource.ts";
import { platformName } from "../wire/text.ts";

const list = cursors("resources", UUID);
const ofPlatform = z.strictObject({ name: platformName });
const one = z.strictObject({ name: platformName, id: z.string().regex(UUID, "must be a resource's id") });

const request = {
  resource: "https://mcp.example.com/mcp",
  name: "Files",
  scopes: [{ scope: "files:read", description: "Read your files" }],
  caveats: ["action in read, list"],
  max_ttl: 3600,
  accept_unbound: false,
};
const example = {
  id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7083",
  platform: "shop",
  ...request,
  created_at: "2026-11-22T13:00:00.000Z",
};

function requireRight(caller: Caller, name: string): void {
  requireAdministratorOrPlatform(caller, "resources", name, ANY_RESOURCE);
}

/** `GET /v1/platforms/{name}/resources` */
export const listResources = defineRoute({
  method: "GET",
  path: "/v1/platforms/{name}/resources",
  operationId: "listResources",
  tag: "Platforms",
  summary: "List a platform's resources",
  description: "Oldest first. For administrators, and for the platform.",
  auth: "caller",
  params: ofPlatform,
  query: z.strictObject(pageParameters),
  responses: {
    200: {
      description: "A page of resources.",
      schema: pageOf(resourceSchema),
      example: { items: [example], next_cursor: null },
    },
  },
  problems: ["not_found"],
  async handler({ context, service, caller, params, query }) {
    const page = await service.resources.list(caller, params.name, list.request(query));
    return list.answer(page, context, resourceWire);
  },
});

/** `POST /v1/platforms/{name}/resources` */
export const registerResource = defineRoute({
  method: "POST",
  path: "/v1/platforms/{name}/resources",
  operationId: "registerResource",
  tag: "Platforms",
  summary: "Register a resource",
  description:
    "An API or tool server, by its canonical URI: https (http on the own machine alone), scheme and host in lower case, no user information and no fragment. `conflict` where the URI is registered already, by whichever platform; `unprocessable` where an administrator has not given the platform its host.",
  auth: "caller",
  authorize: (caller, { name }) => requireRight(caller, name),
  params: ofPlatform,
  body: jsonBody(resourceRequestSchema, request),
  responses: { 201: { description: "Registered.", schema: resourceSchema, example } },
  problems: ["not_found", "conflict", "unprocessable"],
  async handler({ service, caller, params, body }) {
    const resource = await service.resources.register(caller, params.name, readResource(body));
    return json(201, resourceWire(resource));
  },
});

/** `PUT /v1/platforms/{name}/resources/{id}` */
export const putResource = defineRoute({
  method: "PUT",
  path: "/v1/platforms/{name}/resources/{id}",
  operationId: "putResource",
  tag: "Platforms",
  summary: "Replace what is said of a resource",
  description:
    "All but its URI, which never changes (`unprocessable`). Tokens that exist are not touched; `accept_unbound` holds for every verification within the staleness bound.",
  auth: "caller",
  authorize: (caller, { name }) => requireRight(caller, name),
  params: one,
  body: jsonBody(resourceRequestSchema, request),
  responses: { 200: { description: "The resource as it now is.", schema: resourceSchema, example } },
  problems: ["not_found", "unprocessable"],
  async handler({ service, caller, params, body }) {
    const resource = await service.resources.change(caller, params.name, params.id, readResource(body));
    return json(200, resourceWire(resource));
  },
});

/** `DELETE /v1/platforms/{name}/resources/{id}` */
export const removeResource = defineRoute({
  method: "DELETE",
  path: "/v1/platforms/{name}/resources/{id}",
  operationId: "removeResource",
  tag: "Platforms",
  summary: "Remove a resource",
  description:
    "Nobody can ask as it from then on, within the staleness bound. Tokens for it are not revoked: registered again, it takes them again.",
  auth: "caller",
  authorize: (caller, { name }) => requireRight(caller, name),
  params: one,
  responses: { 204: { description: "Removed." } },
  problems: ["not_found"],
  async handler({ service, caller, params }) {
    await service.resources.remove(caller, params.name, params.id);
    return { status: 204, body: null, headers: {} };
  },
});

const changeSchema = z
  .strictObject({
    resource_hosts: z
      .array(z.string().min(1).max(255))
      .max(100)
      .meta({
        description:
          "Hosts under which the platform may register resources: each a host, or `*.` and a name, where `*` stands for one label.",
        examples: [["mcp.example.com", "*.acme.example"]],
      }),
  })
  .meta({ id: "PlatformChange" });

/** `PATCH /v1/platforms/{name}` */
export const changePlatform = defineRoute({
  method: "PATCH",
  path: "/v1/platforms/{name}",
  operationId: "changePlatform",
  tag: "Platforms",
  summary: "Change a platform",
  description:
    "For administrators. `conflict` where a resource is registered under a host that would be taken away.",
  auth: "caller",
  authorize: (caller, { name }) => requireAdministrator(caller, "platforms", name),
  params: ofPlatform,
  body: jsonBody(changeSchema, { resource_hosts: ["mcp.example.com", "*.acme.example"] }),
  responses: {
    200: {
      description: "The platform as it now is.",
      schema: platformSchema,
      example: {
        name: "shop",
        created_at: "2026-11-22T13:00:00.000Z",
        policy: { rules: [] },
        resource_hosts: ["mcp.example.com", "*.acme.example"],
      },
    },
  },
  problems: ["not_found", "conflict"],
  async handler({ context, service, caller, params, body }) {
    const platform = await service.resources.setHosts(caller, params.name, body.resource_hosts);
    return jsonParts(200, await platformJson(platform, context.clock));
  },
});

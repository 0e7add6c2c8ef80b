import { z } from "zod";

import { requireAdministratorRole } from "../../domain/permission.ts";
import { UUID } from "../../words/ids.ts";
import { json } from "../parts/reply.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { clientRequestSchema, clientSchema, clientWire, newClientSchema } from "../wire/oauth.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";

const list = cursors("clients", UUID);

const request = {
  client_name: "Notebook",
  redirect_uris: ["https://notebook.example/cb"],
  token_endpoint_auth_method: "client_secret_basic" as const,
};
const example = {
  client_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  ...request,
  created_at: "2026-11-22T13:00:00.000Z",
};

/** `GET /v1/clients` */
export const listClients = defineRoute({
  method: "GET",
  path: "/v1/clients",
  operationId: "listClients",
  tag: "OAuth",
  summary: "List registered clients",
  description: "Newest first. For administrators.",
  auth: "caller",
  authorize: requireAdministratorRole,
  query: z.strictObject(pageParameters),
  responses: {
    200: {
      description: "A page of clients.",
      schema: pageOf(clientSchema),
      example: { items: [example], next_cursor: null },
    },
  },
  async handler({ context, service, caller, query }) {
    return list.answer(await service.clients.list(caller, list.request(query)), context, clientWire);
  },
});

/** `POST /v1/clients` */
export const createClient = defineRoute({
  method: "POST",
  path: "/v1/clients",
  operationId: "createClient",
  tag: "OAuth",
  summary: "Register a client",
  description:
    "For administrators. A client belongs to the service; what people let it do belongs to platforms. Its secret, if its method has one, is in this answer and nowhere else.",
  auth: "caller",
  authorize: requireAdministratorRole,
  body: jsonBody(clientRequestSchema, request),
  responses: {
    201: {
      description: "Registered.",
      schema: newClientSchema,
      example: { ...example, client_secret: "mF2vX8kQ0pR4tY7uI1oA5sD9fG3hJ6kL2zX8cV4bN0m" },
    },
  },
  async handler({ service, caller, body }) {
    const { client, secret } = await service.clients.create(caller, {
      name: body.client_name,
      redirectUris: body.redirect_uris,
      authMethod: body.token_endpoint_auth_method,
      jwks: body.jwks,
    });
    return json(201, { ...clientWire(client), ...(secret === undefined ? {} : { client_secret: secret }) });
  },
});

/** `DELETE /v1/clients/{id}` */
export const deleteClient = defineRoute({
  method: "DELETE",
  path: "/v1/clients/{id}",
  operationId: "deleteClient",
  tag: "OAuth",
  summary: "Delete a client",
  description:
    "For administrators. Its codes, refresh tokens and remembered consents end, and the access tokens that its sessions hold are revoked.",
  auth: "caller",
  authorize: requireAdministratorRole,
  params: z.strictObject({ id: z.string().regex(UUID, "must be a client's id") }),
  responses: { 204: { description: "Deleted." } },
  async handler({ service, caller, params }) {
    await service.clients.delete(caller, params.id);
    return { status: 204, body: null, headers: {} };
  },
});

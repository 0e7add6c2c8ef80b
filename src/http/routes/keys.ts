import { z } from "zod";

import { requireAdministratorOrPlatformRole } from "../../domain/permission.ts";
import { json } from "../parts/reply.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { keySchema, keyWire } from "../wire/key.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";
import { platformName } from "../wire/text.ts";

const list = cursors("keys", /^[ -~]{1,256}$/);

const example = {
  key_id: "Zk3vQm2xT9aBcDeF",
  platform: "default",
  state: "active",
  created_at: "2026-11-22T13:00:00.000Z",
  active_from: "2026-11-22T13:00:20.000Z",
};

/** `GET /v1/keys` */
export const listKeys = defineRoute({
  method: "GET",
  path: "/v1/keys",
  operationId: "listKeys",
  tag: "Keys",
  summary: "List root keys",
  description: "Newest first: a platform's own, or for an administrator all. Never the keys themselves.",
  auth: "caller",
  query: z.strictObject({
    platform: platformName.optional(),
    ...pageParameters,
  }),
  responses: {
    200: {
      description: "A page of keys.",
      schema: pageOf(keySchema),
      example: { items: [example], next_cursor: null },
    },
  },
  problems: ["not_found"],
  async handler({ context, service, caller, query }) {
    const page = await service.keys.list(caller, query.platform, list.request(query));
    return list.answer(page, context, keyWire);
  },
});

const rotateSchema = z
  .strictObject({
    platform: platformName
      .optional()
      .meta({ description: "May be left out by a platform's own credential." }),
  })
  .meta({ id: "RotateRequest" });

/** `POST /v1/keys/rotate` */
export const rotateKey = defineRoute({
  method: "POST",
  path: "/v1/keys/rotate",
  operationId: "rotateKey",
  tag: "Keys",
  summary: "Replace a platform's root key",
  description:
    "Makes a new key, which signs once every replica can have it. The old one signs until then, and tokens under it verify until they expire.",
  auth: "caller",
  authorize: (caller) => requireAdministratorOrPlatformRole(caller, "keys"),
  body: jsonBody(rotateSchema, { platform: "default" }),
  responses: {
    201: { description: "The new key.", schema: keySchema, example: { ...example, state: "pending" } },
  },
  problems: ["not_found", "conflict"],
  async handler({ service, caller, body }) {
    return json(201, keyWire(await service.keys.rotate(caller, body.platform)));
  },
});

import { z } from "zod";

import { requireAdministrator } from "../../domain/permission.ts";
import { json } from "../parts/reply.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { policyOf, policySchema, policyWire } from "../wire/policy.ts";
import { platformName } from "../wire/text.ts";

const params = z.strictObject({ name: platformName });
const example = { rules: [{ groups: ["engineering"], caveats: ["action in read, list"], max_ttl: 86_400 }] };

/** `GET /v1/platforms/{name}/policy` */
export const getPolicy = defineRoute({
  method: "GET",
  path: "/v1/platforms/{name}/policy",
  operationId: "getPolicy",
  tag: "Platforms",
  summary: "Show a platform's policy",
  description: "For administrators.",
  auth: "caller",
  params,
  responses: { 200: { description: "The policy.", schema: policySchema, example } },
  problems: ["not_found"],
  async handler({ service, caller, params: { name } }) {
    return json(200, policyWire(await service.platforms.policy(caller, name)));
  },
});

/** `PUT /v1/platforms/{name}/policy` */
export const putPolicy = defineRoute({
  method: "PUT",
  path: "/v1/platforms/{name}/policy",
  operationId: "putPolicy",
  tag: "Platforms",
  summary: "Replace a platform's policy",
  description:
    "For administrators. It holds for what is issued from then on; tokens that exist are not touched.",
  auth: "caller",
  authorize: (caller, { name }) => requireAdministrator(caller, "policy", name),
  params,
  body: jsonBody(policySchema, example),
  responses: { 200: { description: "The policy as it now is.", schema: policySchema, example } },
  problems: ["not_found", "unprocessable"],
  async handler({ service, caller, params: { name }, body }) {
    return json(200, policyWire(await service.platforms.setPolicy(caller, name, policyOf(body))));
  },
});

import { z } from "zod";

import { requireAdministrator } from "../../domain/permission.ts";
import type { Policy } from "../../domain/ports/policy.ts";
import { jsonParts } from "../parts/reply.ts";
import { MAX_BODY } from "../request/body.ts";
import type { JsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { policyJson, policySchema, readPolicy } from "../wire/policy.ts";
import { platformName } from "../wire/text.ts";

const params = z.strictObject({ name: platformName });
const example = { rules: [{ groups: ["engineering"], caveats: ["action in read, list"], max_ttl: 86_400 }] };

const body: JsonBody<Policy> = {
  schema: policySchema,
  example,
  maxBytes: MAX_BODY,
  read: (tree, _, clock) => readPolicy(tree, clock),
};

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
  async handler({ context, service, caller, params: { name } }) {
    const policy = await service.platforms.policy(caller, name);
    return jsonParts(200, await policyJson(policy, context.clock));
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
  body,
  responses: { 200: { description: "The policy as it now is.", schema: policySchema, example } },
  problems: ["not_found", "unprocessable"],
  async handler({ context, service, caller, params: { name }, body }) {
    const policy = await service.platforms.setPolicy(caller, name, body);
    return jsonParts(200, await policyJson(policy, context.clock));
  },
});

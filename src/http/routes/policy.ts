import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { requireAdministrator } from "../../domain/permission.ts";
import type { PolicyCondition, StandingPolicy } from "../../domain/policy-service.ts";
import type { Policy } from "../../domain/ports/policy.ts";
import { IF_MATCH } from "../../words/http.ts";
import { json, jsonParts, type Reply } from "../parts/reply.ts";
import { MAX_BODY } from "../request/body.ts";
import type { HttpContext } from "../request/context.ts";
import type { JsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { policyJson, policySchema, readPolicy } from "../wire/policy.ts";
import { trialBody, trialSchema, trialWire } from "../wire/policy-trial.ts";
import { platformName } from "../wire/text.ts";

const params = z.strictObject({ name: platformName });
const example = { rules: [{ groups: ["engineering"], caveats: ["action in read, list"], max_ttl: 86_400 }] };

const body: JsonBody<Policy> = {
  schema: policySchema,
  example,
  maxBytes: MAX_BODY,
  read: (tree, _, clock) => readPolicy(tree, clock),
};

const ETAG = { etag: "Names this state of the policy, for `If-Match`." };

async function answer({ clock }: HttpContext, { policy, version }: StandingPolicy): Promise<Reply> {
  const reply = jsonParts(200, await policyJson(policy, clock));
  return { ...reply, headers: { ...reply.headers, etag: `"${version}"` } };
}

const ifMatch = z
  .string()
  .max(1024)
  .meta({
    description:
      "The `ETag` that reading the policy gave: then it is replaced only if it is still that one. Without it, nothing that restricts may be dropped.",
    examples: ['"1JpZr3mXkQ0fWm7bV0sSxA"'],
  });

const TAGS = /^(?:W\/)?"[\x21\x23-\x7e]*"(?: *, *(?:W\/)?"[\x21\x23-\x7e]*")*$/;

/** Reads `If-Match` (RFC 9110 §13.1.1). A weak tag never matches. */
function conditionOf(header: string | null): PolicyCondition | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (text === "*") return "any";
  if (header.length > 1024 || !TAGS.test(text)) {
    throw new DomainError("invalid_request", "must be * or entity tags in double quotes", IF_MATCH);
  }
  return text
    .split(/ *, */)
    .filter((tag) => tag.startsWith('"'))
    .map((tag) => tag.slice(1, -1));
}

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
  responses: { 200: { description: "The policy.", schema: policySchema, example, headers: ETAG } },
  problems: ["not_found"],
  async handler({ context, service, caller, params: { name } }) {
    return answer(context, await service.policies.get(caller, name));
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
    "For administrators. It holds for what is issued from then on; tokens that exist are not touched. With `If-Match` it replaces only the policy that was read (412 otherwise). Without it, a policy that would drop `claims`, `session` or `clients` of the one that stands is 409: a client of an older version leaves out what it does not know.",
  auth: "caller",
  authorize: (caller, { name }) => requireAdministrator(caller, "policy", name),
  params,
  body,
  headers: [{ name: IF_MATCH, schema: ifMatch }],
  responses: {
    200: { description: "The policy as it now is.", schema: policySchema, example, headers: ETAG },
  },
  problems: ["not_found", "unprocessable", "conflict", "precondition_failed"],
  async handler({ context, exchange, service, caller, params: { name }, body }) {
    const condition = conditionOf(exchange.request.headers.get(IF_MATCH));
    return answer(context, await service.policies.put(caller, name, body, condition));
  },
});

/** `POST /v1/platforms/{name}/policy` */
export const tryPolicy = defineRoute({
  method: "POST",
  path: "/v1/platforms/{name}/policy",
  operationId: "tryPolicy",
  tag: "Platforms",
  summary: "Say what somebody would get under a policy, and why not",
  description:
    "For administrators. Changes nothing, and `dry_run` has to say so. It is decided as the service decides when it issues. With `policy`, by that one in place of the one that stands.",
  auth: "caller",
  authorize: (caller, { name }) => requireAdministrator(caller, "policy", name),
  params,
  body: trialBody,
  responses: {
    200: {
      description: "The rule that decides, and why those before it do not.",
      schema: trialSchema,
      example: {
        admitted: true,
        rule: 1,
        caveats: ["action in read, list"],
        max_ttl: 3600,
        passed_over: [
          { rule: 0, why: [{ member: "claims.repository", detail: "the claim has another value" }] },
        ],
        warnings: [],
      },
    },
  },
  problems: ["not_found", "unprocessable"],
  async handler({ service, caller, params: { name }, body: { principal, policy } }) {
    return json(200, trialWire(await service.policies.tryOut(caller, name, principal, policy)));
  },
});

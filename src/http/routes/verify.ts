import { z } from "zod";
import { ANY_RESOURCE } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { mapInSlices } from "../../domain/parts/time-slice.ts";
import { requireHumanOrPlatform, requirePlatform } from "../../domain/permission.ts";
import type { BatchResult, ItemFault, VerifyRequest } from "../../domain/service.ts";
import type { JsonError } from "../../json/error.ts";
import { BATCH_QUESTIONS } from "../../words/limits.ts";
import { describeFault } from "../log/log.ts";
import { parsedArray } from "../parts/batch.ts";
import { internalProblem, publicProblem } from "../parts/problem.ts";
import type { Problem } from "../parts/problem-document.ts";
import { jsonArray, jsonParts, jsonText } from "../parts/reply.ts";
import { MAX_BATCH_BODY, MAX_BODY } from "../request/body.ts";
import type { Exchange, HttpContext } from "../request/context.ts";
import type { JsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { problemSchema } from "../wire/problem.ts";
import { verdictSchema } from "../wire/verdict.ts";
import { createVerdictWriter } from "../wire/verdict-json.ts";
import { readVerifyRequest, verifyRequestSchema } from "../wire/verify-request.ts";

const verdictJson = createVerdictWriter();

const requestExample = {
  token: "AgEVaHR0cDovLzEyNy4wLjAuMTo4MDgwAl9iaDEu",
  context: { action: "read", resource: "repo:acme/site", args: { amount: 12.5 } },
};

const allowedExample = {
  allowed: true,
  token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  key_id: "Zk3vQm2xT9aBcDeF",
  platform: "default",
  principal: { id: "pW3kD0q9xYb2LmNa", issuer: "https://login.example.com", subject: "248289761001" },
  issued_at: "2026-11-22T13:00:00.000Z",
  expires_at: "2026-11-22T14:00:00.000Z",
  agents: ["orchestrator", "researcher#7f3a"],
  caveats: ["time < 2026-11-22T14:00:00.000Z", "agent = orchestrator", "agent = researcher#7f3a"],
  summary: "Until 14:00 UTC, anything.",
  summary_parts: [{ by: "issued", text: "Until 14:00 UTC, anything." }],
  revocation_id: "ASNFZ4mrze8BI0VniavN7w",
  revocation_ids: ["q83vEjRWeJCrze8SNFZ4kA", "ASNFZ4mrze8BI0VniavN7w"],
  budgets: [
    {
      caveat: "uses <= 10",
      revocation_id: "q83vEjRWeJCrze8SNFZ4kA",
      agent: "orchestrator",
      limit: "10",
      remaining: "7",
    },
  ],
  sequence: "k3v9Qm2x-41",
};

const verifyBody: JsonBody<VerifyRequest> = {
  schema: verifyRequestSchema,
  example: requestExample,
  maxBytes: MAX_BODY,
  read: readVerifyRequest,
};

/** `POST /v1/verify` */
export const verify = defineRoute({
  method: "POST",
  path: "/v1/verify",
  operationId: "verify",
  tag: "Verify",
  summary: "May this token do this, now?",
  description:
    "For a platform, about tokens of its own; with `dry_run` for a person, about theirs (`unknown_key` for all others). 200 wherever an answer was reached, allowed or not; 503 where none could be reached, which is neither. `allowed: true` says that the token does not forbid the call.",
  auth: "caller",
  authorize: (caller) => requireHumanOrPlatform(caller, "verify"),
  body: verifyBody,
  responses: { 200: { description: "The answer.", schema: verdictSchema, example: allowedExample } },
  problems: ["charge_mismatch", "rate_limited", "not_found"],
  async handler({ service, caller, body }) {
    return jsonText(200, verdictJson(await service.decisions.decide(caller, body), body.brief));
  },
});

const batchSchema = z
  .strictObject({ requests: z.array(verifyRequestSchema).max(BATCH_QUESTIONS) })
  .meta({ id: "VerifyBatchRequest" });

const batchAnswerSchema = z
  .strictObject({
    results: z
      .array(z.union([...verdictSchema.options, problemSchema]))
      .meta({ description: "One for each request, in order." }),
  })
  .meta({ id: "VerifyBatch" });

const BATCH_PATH = "/v1/verify/batch";

type Item = VerifyRequest | DomainError;

const batchBody: JsonBody<readonly Item[]> = {
  schema: batchSchema,
  example: { requests: [requestExample] },
  maxBytes: MAX_BATCH_BODY,
  items: "requests",
  read: (tree, flaws, clock) =>
    mapInSlices(parsedArray(tree, "requests", BATCH_QUESTIONS), clock, (item, index) =>
      readItem(item, flaws.get(index)),
    ),
};

function readItem(tree: Parameters<typeof readVerifyRequest>[0], flaw: JsonError | undefined): Item {
  try {
    if (flaw !== undefined) throw flaw;
    return readVerifyRequest(tree);
  } catch (error) {
    const known = publicProblem(error);
    if (known === undefined) throw error;
    return new DomainError("invalid_request", known.detail, known.member);
  }
}

function isRequest(item: Item): item is VerifyRequest {
  return !(item instanceof DomainError);
}

/** `POST /v1/verify/batch` */
export const verifyBatch = defineRoute({
  method: "POST",
  path: BATCH_PATH,
  operationId: "verifyBatch",
  tag: "Verify",
  summary: "Up to 1,000 questions in one body",
  description:
    "Answers in the order of the requests. A request that is not valid, or that could not be answered, or that met with a fault of the service, is a problem document in its place, whose `member` is a path into that request; it does not spoil the others. A body that is no JSON at all is refused as a whole.",
  auth: "caller",
  authorize: (caller) => void requirePlatform(caller, "verify", ANY_RESOURCE),
  body: batchBody,
  responses: {
    200: { description: "The answers.", schema: batchAnswerSchema, example: { results: [allowedExample] } },
  },
  async handler({ context, service, caller, body, exchange }) {
    const verdicts = await service.decisions.decideBatch(caller, body.filter(isRequest));
    const answers = verdicts.values();
    const results = await jsonArray(body, context.clock, (item) => {
      const result = isRequest(item) ? answers.next().value : item;
      if (result === undefined) throw new RangeError("fewer verdicts than requests");
      if (!isUnanswered(result)) return verdictJson(result, isRequest(item) && item.brief);
      const error = result instanceof DomainError ? result : result.fault;
      return JSON.stringify(publicProblem(error) ?? faultOf(error, context, exchange));
    });
    return jsonParts(200, ['{"results":', ...results, "}"]);
  },
});

function isUnanswered(result: BatchResult): result is DomainError | ItemFault {
  return result instanceof DomainError || "fault" in result;
}

/** Logs a fault that one item met with, as if it had been the whole request's. */
function faultOf(fault: unknown, { log }: HttpContext, { requestId }: Exchange): Problem {
  log.fault({ requestId, route: BATCH_PATH, ...describeFault(fault) });
  return internalProblem();
}

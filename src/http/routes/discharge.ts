import { z } from "zod";
import { UUID_V7 } from "../../words/ids.ts";
import { json } from "../parts/reply.ts";
import { askerOf } from "../request/context.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { askRequest, askSchema, dischargeSchema, waitingSchema, waitingWire } from "../wire/discharge.ts";
import { instant, opaqueId, printInstant } from "../wire/text.ts";

const requestId = z.string().regex(UUID_V7, "must be a request's id");

const secretBody = jsonBody(
  z.strictObject({
    secret: z.string().min(1).max(128).meta({ description: "As it was given when asking." }),
  }),
  { secret: "kJ0q2m1bVn8s7d6f5g4h3j2k1l0z9x8c7v6b5n4m3a2" },
);

const REQUEST = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7082";
const AT = "2026-11-22T14:00:00.000Z";
const discharged = { discharge: "AgIgdGhpcyB3YXMgaG93IHdlIHJlbWluZCBhdXRoIG9mIGtleQ" };

/** `POST /v1/discharge` */
export const askDischarge = defineRoute({
  method: "POST",
  path: "/v1/discharge",
  operationId: "askDischarge",
  tag: "Discharges",
  summary: "Have a third-party caveat discharged",
  description:
    "For whoever holds the ticket. Answered at once where the caller's ID token or session proves what the ticket asks; else a person has to act, and the discharge is collected. A program's login proves nothing of the person. A discharge lives for minutes.",
  auth: "optional",
  body: jsonBody(askSchema, { caveat_id: "AvD-xlUf2MdGMgtu7OKRQnCP1OQJk6PKeFWRK26WIBA6" }),
  responses: {
    200: { description: "Discharged.", schema: dischargeSchema, example: discharged },
    202: {
      description: "A person has to act.",
      schema: waitingSchema,
      example: {
        id: REQUEST,
        secret: "kJ0q2m1bVn8s7d6f5g4h3j2k1l0z9x8c7v6b5n4m3a2",
        user_url: `http://127.0.0.1:8080/approvals/${REQUEST}`,
        user_code: "BKHS-WXTZ",
        expires_at: AT,
      },
    },
  },
  problems: [
    "denied",
    "conflict",
    "not_found",
    "unprocessable",
    "ticket_invalid",
    "condition_unknown",
    "rate_limited",
    "unavailable",
  ],
  async handler({ context, service, caller, body, exchange }) {
    const asked = await service.discharges.ask(caller, askerOf(exchange), askRequest(body));
    if (asked.state === "granted") return json(200, { discharge: asked.discharge });
    return json(202, waitingWire(asked, context.publicUrl));
  },
});

/** `POST /v1/discharge/{id}/collect` */
export const collectDischarge = defineRoute({
  method: "POST",
  path: "/v1/discharge/{id}/collect",
  operationId: "collectDischarge",
  tag: "Discharges",
  summary: "Collect a discharge",
  description:
    "For whoever asked: the secret is the credential. Waits up to 20 seconds for an answer, then says 202: ask again. An answer that was lost can be collected again, for as long as the discharge lives.",
  auth: "none",
  params: z.strictObject({ id: requestId }),
  body: secretBody,
  responses: {
    200: { description: "Discharged.", schema: dischargeSchema, example: discharged },
    202: {
      description: "Nobody has answered yet.",
      schema: z.strictObject({ id: opaqueId, expires_at: instant }),
      example: { id: REQUEST, expires_at: AT },
    },
  },
  problems: ["denied", "gone", "rate_limited", "unavailable"],
  async handler({ service, params, body, exchange }) {
    const collected = await service.discharges.collect(params.id, body.secret, askerOf(exchange));
    if (collected.state === "granted") return json(200, { discharge: collected.discharge });
    return json(202, { id: params.id, expires_at: printInstant(collected.expiresAt) });
  },
});

/** `POST /v1/discharge/{id}/withdraw` */
export const withdrawDischarge = defineRoute({
  method: "POST",
  path: "/v1/discharge/{id}/withdraw",
  operationId: "withdrawDischarge",
  tag: "Discharges",
  summary: "Withdraw a request that waits",
  description:
    "For whoever asked, with its secret: nobody is asked any more, and nobody can answer. What is granted is withdrawn by revoking it.",
  auth: "none",
  params: z.strictObject({ id: requestId }),
  body: secretBody,
  responses: {
    200: {
      description: "It is withdrawn.",
      schema: z.strictObject({ id: opaqueId, state: z.literal("withdrawn") }),
      example: { id: REQUEST, state: "withdrawn" },
    },
  },
  problems: ["conflict", "rate_limited", "unavailable"],
  async handler({ service, params, body, exchange }) {
    await service.discharges.withdraw(params.id, body.secret, askerOf(exchange));
    return json(200, { id: params.id, state: "withdrawn" as const });
  },
});

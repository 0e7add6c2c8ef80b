import { z } from "zod";
import { requirePerson } from "../../domain/permission.ts";
import { UUID, UUID_V7 } from "../../words/ids.ts";
import { json } from "../parts/reply.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { approvalSchema, approvalWire, decisionSchema } from "../wire/approval.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";

/** An approval's id in a path. */
export const approvalId = z.string().regex(UUID_V7, "must be an approval id");

const list = cursors("approvals", UUID);

/** `GET /v1/approvals` */
export const listApprovals = defineRoute({
  method: "GET",
  path: "/v1/approvals",
  operationId: "listApprovals",
  tag: "Approvals",
  summary: "List what one is asked to approve",
  description:
    "For a person, and for no program that acts as them: what concerns them by subject or by group, newest first, past ones too.",
  auth: "caller",
  authorize: (caller) => void requirePerson(caller),
  query: z.strictObject({
    state: z.enum(["pending", "all"]).optional().meta({ description: "`all` unless said." }),
    ...pageParameters,
  }),
  responses: { 200: { description: "A page of approvals.", schema: pageOf(approvalSchema) } },
  async handler({ context, service, caller, query }) {
    const page = await service.approvals.list(caller, query.state === "pending", list.request(query));
    return list.answer(page, context, approvalWire);
  },
});

/** `POST /v1/approvals/{id}` */
export const decideApproval = defineRoute({
  method: "POST",
  path: "/v1/approvals/{id}",
  operationId: "decideApproval",
  tag: "Approvals",
  summary: "Approve or deny",
  description:
    "For a person who is asked, in a browser session whose login is recent: never with a macaroon, nor with an ID token. One denial ends it; a person counts once. Saying the same again changes nothing.",
  auth: "caller",
  authorize: (caller) => void requirePerson(caller),
  params: z.strictObject({ id: approvalId }),
  body: jsonBody(decisionSchema, { decision: "approve", reason: "as agreed on the phone" }),
  responses: { 200: { description: "As it stands now.", schema: approvalSchema } },
  problems: ["conflict", "gone"],
  async handler({ service, caller, params, body }) {
    const { decision, reason } = body;
    const decided = await service.approvals.decide(caller, params.id, {
      approved: decision === "approve",
      reason,
    });
    return json(200, approvalWire(decided));
  },
});

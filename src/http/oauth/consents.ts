import { z } from "zod";

import { UUID } from "../../words/ids.ts";
import { defineRoute } from "../request/route.ts";
import { consentSchema, consentWire } from "../wire/oauth.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";

const list = cursors("consents", UUID);

/** `GET /v1/consents` */
export const listConsents = defineRoute({
  method: "GET",
  path: "/v1/consents",
  operationId: "listConsents",
  tag: "OAuth",
  summary: "List remembered consents",
  description:
    "Newest first: of a person their own, of an administrator's credential everybody's. What a person lets a program on their own device do is never remembered.",
  auth: "caller",
  query: z.strictObject(pageParameters),
  responses: { 200: { description: "A page of consents.", schema: pageOf(consentSchema) } },
  async handler({ context, service, caller, query }) {
    return list.answer(await service.consents.list(caller, list.request(query)), context, consentWire);
  },
});

/** `DELETE /v1/consents/{id}` */
export const deleteConsent = defineRoute({
  method: "DELETE",
  path: "/v1/consents/{id}",
  operationId: "deleteConsent",
  tag: "OAuth",
  summary: "Forget a consent",
  description:
    "One's own, or with an administrator's credential anybody's. The client is asked about anew, and the refresh tokens end that it holds of the same person for the same resource. Access tokens live to their end, unless they are revoked.",
  auth: "caller",
  params: z.strictObject({ id: z.string().regex(UUID, "must be a consent's id") }),
  responses: { 204: { description: "Forgotten." } },
  async handler({ service, caller, params }) {
    await service.consents.delete(caller, params.id);
    return { status: 204, body: null, headers: {} };
  },
});

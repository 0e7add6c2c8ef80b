import { z } from "zod";
import { requireHuman } from "../../domain/permission.ts";
import { UUID } from "../../words/ids.ts";
import { seeOther } from "../parts/reply.ts";
import type { Exchange, HttpContext } from "../request/context.ts";
import { SESSION_OVER, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";
import { sessionSchema, sessionWire } from "../wire/session.ts";

const params = z.strictObject({ id: z.string().regex(UUID, "must be a session's id") });
const list = cursors("sessions", UUID);

/** `GET /v1/sessions` */
export const listSessions = defineRoute({
  method: "GET",
  path: "/v1/sessions",
  operationId: "listSessions",
  tag: "Browser",
  summary: "List one's own sessions",
  description:
    "For a person: the browsers that they are signed in with, and the programs that they let act as them at this API, newest first. A program sees its own login alone.",
  auth: "caller",
  authorize: (caller) => void requireHuman(caller),
  query: z.strictObject(pageParameters),
  responses: { 200: { description: "A page of sessions.", schema: pageOf(sessionSchema) } },
  async handler({ context, service, caller, query }) {
    const page = await service.sessions.list(caller, undefined, list.request(query));
    return list.answer(page, context, sessionWire);
  },
});

/** `DELETE /v1/sessions/{id}` */
export const endSession = defineRoute({
  method: "DELETE",
  path: "/v1/sessions/{id}",
  operationId: "endSession",
  tag: "Browser",
  summary: "End one of one's own sessions",
  description:
    "For a person; a program ends its own login alone. What the browser or program sends from then on is refused.",
  auth: "caller",
  authorize: (caller) => void requireHuman(caller),
  params,
  responses: { 204: { description: "Ended." } },
  async handler({ service, caller, params }) {
    await service.sessions.end(caller, params.id);
    return { status: 204, body: null, headers: {} };
  },
});

/** The input of the front page's button. */
interface EndInput {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
  readonly params: z.infer<typeof params>;
}

const end = signedInForm(
  () => "/",
  async () => undefined,
  async ({ service, params }: EndInput, caller) => {
    await service.sessions.end(caller, params.id);
    return seeOther("/", []);
  },
);

/** `POST /sessions/{id}/end` */
export const endSessionOnPage = defineRoute({
  method: "POST",
  path: "/sessions/{id}/end",
  operationId: "endSessionOnPage",
  tag: "Browser",
  summary: "End a session, on the front page",
  description: "Needs a session and the `Origin` of this service. A body is not read.",
  auth: "none",
  kind: "page",
  params,
  responses: {
    303: { description: "Ended.", headers: { Location: "The front page." } },
    401: SESSION_OVER,
  },
  problems: ["forbidden", "unavailable"],
  handler: end,
});

import { z } from "zod";

import { html } from "../parts/reply.ts";
import { pageCaller } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";

/** Programs that the page shows. */
const SHOWN = 100;

/** `GET /` */
export const home = defineRoute({
  method: "GET",
  path: "/",
  operationId: "home",
  tag: "Browser",
  summary: "The front page",
  description: "Who is signed in, which programs act as them, and where to go from here.",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The page.", mediaType: "text/html", schema: z.string() } },
  problems: ["rate_limited", "unavailable"],
  async handler({ context, service, exchange }) {
    const caller = await pageCaller(context, exchange);
    if (caller === undefined) return html(200, context.pages.home(undefined, []), context.pages.policy);
    const { items } = await service.sessions.list(caller, "program", { limit: SHOWN, after: undefined });
    return html(200, context.pages.home(caller.identity, items), context.pages.policy);
  },
});

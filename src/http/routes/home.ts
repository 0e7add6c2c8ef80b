import { z } from "zod";

import { readCookie } from "../parts/cookies.ts";
import { html } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";

/** `GET /` */
export const home = defineRoute({
  method: "GET",
  path: "/",
  operationId: "home",
  tag: "Browser",
  summary: "The front page",
  description: "Who is signed in, and where to go from here.",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The page.", mediaType: "text/html", schema: z.string() } },
  problems: ["unavailable"],
  async handler({ context, service, exchange }) {
    const cookie = readCookie(exchange.request.headers.get("cookie"), context.cookies.session);
    const identity = cookie === undefined ? undefined : await service.logins.identity(cookie);
    return html(200, context.pages.home(identity), context.pages.policy);
  },
});

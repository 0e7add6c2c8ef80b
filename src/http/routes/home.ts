import { z } from "zod";

import { html } from "../parts/reply.ts";
import { pageCaller } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";

/** Items of each list that the page shows, and programs. */
const SHOWN = 20;
const PROGRAMS_SHOWN = 100;

/** `GET /` */
export const home = defineRoute({
  method: "GET",
  path: "/",
  operationId: "home",
  tag: "Browser",
  summary: "The front page",
  description:
    "Who is signed in, what waits for their approval (askers have turns at its twenty places), what they have confirmed and can take back, their newest tokens, each with a way to cut it off, and the programs that act as them.",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The page.", mediaType: "text/html", schema: z.string() } },
  problems: ["rate_limited", "unavailable"],
  async handler({ context, service, exchange }) {
    const { pages } = context;
    const caller = await pageCaller(context, exchange);
    if (caller === undefined) return html(200, pages.home(undefined), pages.policy);
    const newest = { limit: SHOWN, after: undefined };
    const [approvals, confirmed, tokens, programs] = await Promise.all([
      service.approvals.waiting(caller, SHOWN),
      service.discharges.confirmed(caller),
      service.tokens.list(caller, undefined, newest),
      service.sessions.list(caller, "program", { limit: PROGRAMS_SHOWN, after: undefined }),
    ]);
    const view = {
      identity: caller.identity,
      approvals: approvals.items,
      moreWait: approvals.more,
      confirmed,
      tokens: tokens.items,
      programs: programs.items,
    };
    return html(200, pages.home(view), pages.policy);
  },
});

import { z } from "zod";

import { TOKENS_PATH } from "../pages/pages.ts";
import { html } from "../parts/reply.ts";
import { PAGE_FORM, readForm } from "../request/form.ts";
import { SESSION_OVER, signedIn, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { tokenId } from "../wire/text.ts";
import {
  ANSWERS,
  type Asked,
  CONCERNS,
  decisionOf,
  found,
  notYours,
  PAGE,
  type Paged,
  reasonOf,
  requireShownTo,
  SHOWN,
  SHOWS,
} from "./page-parts.ts";

const params = z.strictObject({ id: tokenId });

/** `GET /tokens` */
export const tokensPage = defineRoute({
  ...SHOWS,
  path: TOKENS_PATH,
  operationId: "tokensPage",
  summary: "One's own tokens",
  description: "Those that have ended too, a hundred on a page, the newest first.",
  query: z.strictObject({
    before: tokenId.optional().meta({ description: "The last token of the page before." }),
  }),
  handler: signedIn(async ({ context, service, query: { before: after } }: Paged, caller) => {
    const { items, next } = await service.tokens.list(caller, undefined, { limit: SHOWN, after });
    const place = { older: next, isFirst: after === undefined };
    return html(200, context.pages.tokens(items, place, caller.identity), context.pages.policy);
  }),
});

/** `GET /tokens/{id}` */
export const tokenPage = defineRoute({
  ...SHOWS,
  path: `${TOKENS_PATH}/{id}`,
  operationId: "tokenPage",
  summary: "One token",
  description: "What it is and, while it is good, what cutting it off does. It does nothing by itself.",
  params,
  responses: CONCERNS,
  handler: signedIn(async (asked: Asked, caller) => {
    const { context, service, params } = asked;
    const token = await found(() => service.tokens.get(caller, params.id));
    if (token === undefined) return notYours(asked, caller);
    return html(200, context.pages.token(token, caller.identity), context.pages.policy);
  }),
});

const cutOff = signedInForm(
  ({ exchange }: Asked) => exchange.path,
  ({ exchange }) => readForm(exchange.request, PAGE_FORM),
  async ({ context, service, params }, caller, form) => {
    requireShownTo(form, caller);
    decisionOf(form, "cut-off");
    const reason = reasonOf(form);
    // A foreign token is not there. Revoking it by its id would do nothing to its owner, and must not look like more.
    const token = await service.tokens.get(caller, params.id);
    await service.revocations.revoke(caller, {
      // Whoever holds it may have renewed it.
      targets: [{ kind: "token_id", tokenId: token.tokenId, successors: true }],
      reason,
    });
    // The next request may reach a replica that learns of it a moment later, and would show the token alive.
    const page = context.pages.token({ ...token, status: "revoked" }, caller.identity);
    return html(200, page, context.pages.policy);
  },
);

/** `POST /tokens/{id}` */
export const cutOffToken = defineRoute({
  ...ANSWERS,
  path: `${TOKENS_PATH}/{id}`,
  operationId: "cutOffToken",
  summary: "Cut a token off, on its page",
  description:
    "A form with `decision`, which is `cut-off`, and `reason`. Revokes the token and everything below it, and the tokens that renewed it. Needs a session and the `Origin` of this service.",
  params,
  responses: { 200: { description: "It is cut off: the page.", ...PAGE }, 401: SESSION_OVER },
  problems: ["invalid_request", "forbidden", "conflict", "rate_limited", "unavailable"],
  handler: cutOff,
});

import { z } from "zod";

import type { HumanCaller } from "../../domain/caller.ts";
import type { AuthorizationStep } from "../../domain/oauth-service.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { html, type Reply, seeOther } from "../parts/reply.ts";
import { askerOf, type Exchange, type HttpContext } from "../request/context.ts";
import { oauthParameters, PAGE_FORM, readForm, textOf } from "../request/form.ts";
import { loginPath, pageCaller, SESSION_OVER, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";

const PATH = "/oauth/authorize";
const PAGE = { mediaType: "text/html", schema: z.string() };

interface Input {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
}

/** The page that asks. The form brings the request back as it came. */
function consent(
  { context, exchange }: Input,
  step: Extract<AuthorizationStep, { kind: "consent" }>,
  caller: HumanCaller,
): Reply {
  const { pages } = context;
  const text = pages.consent(step.view, exchange.search, caller.identity, step.changed === true);
  return html(200, text, pages.policy);
}

/** `GET /oauth/authorize` */
export const authorize = defineRoute({
  method: "GET",
  path: PATH,
  operationId: "authorize",
  tag: "OAuth",
  summary: "Ask a person to let a client have a token",
  description:
    "The authorization endpoint: `response_type=code`, `client_id`, `redirect_uri`, `code_challenge` with `code_challenge_method=S256`, exactly one `resource`, and `scope`, `state` and `prompt` if wanted. The person signs in and is asked, unless they said yes to the same in the last 30 days. Every answer carries `iss` (RFC 9207). An unknown client or redirect is a page, never a redirect; so is all that is wrong before they are known.",
  auth: "none",
  kind: "page",
  head: false,
  responses: {
    200: { description: "The page that asks.", ...PAGE },
    303: {
      description: "To sign in, or back to the client.",
      headers: { Location: "The login, or the client." },
    },
  },
  problems: ["invalid_request", "rate_limited", "unavailable"],
  async handler(input) {
    const { context, service, exchange } = input;
    const caller = await pageCaller(context, exchange);
    const asked = oauthParameters(exchange.search);
    const step = await service.oauth.authorize(caller, asked, askerOf(exchange));
    if (step.kind === "answer") return seeOther(step.url, []);
    if (step.kind === "login") return seeOther(loginPath(`${PATH}?${step.query}`, step.demands), []);
    if (caller === undefined) throw new Error("nobody is there to be asked");
    return consent(input, step, caller);
  },
});

/** `POST /oauth/authorize` */
export const decideAuthorization = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "decideAuthorization",
  tag: "OAuth",
  summary: "Answer the page",
  description:
    "A form with `decision`, `allow` or `deny`, and the page's `seal`: what was asked must be what the page showed, to the very person. Needs a session and the `Origin` of this service. The answer is a page that leads back to the client.",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "A page that leads on, or asks anew.", ...PAGE }, 401: SESSION_OVER },
  problems: ["invalid_request", "forbidden", "rate_limited", "unavailable"],
  handler: signedInForm(
    ({ exchange }: Input) => `${PATH}?${exchange.search}`,
    ({ exchange }) => readForm(exchange.request, PAGE_FORM),
    async (input, caller, form) => {
      const { context, service, exchange } = input;
      const decision = textOf(form, "decision");
      if (decision !== "allow" && decision !== "deny") {
        throw new DomainError("invalid_request", "decision must be one of allow, deny", "decision");
      }
      const answer = { allowed: decision === "allow", seal: textOf(form, "seal") ?? "" };
      const asked = oauthParameters(exchange.search);
      const step = await service.oauth.decide(caller, asked, answer, askerOf(exchange));
      if (step.kind === "consent") return consent(input, step, caller);
      const url = step.kind === "answer" ? step.url : loginPath(`${PATH}?${step.query}`, step.demands);
      const name = step.kind === "answer" ? step.clientName : "sign in";
      return html(200, context.pages.onward(url, name, caller.identity), context.pages.policy);
    },
  ),
});

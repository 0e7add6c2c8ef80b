import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import type { FailureFacts } from "../../domain/ports/failure.ts";
import type { LoginRefusal } from "../../domain/ports/identity.ts";
import { describeFault } from "../log/log.ts";
import { readCookie, setCookie } from "../parts/cookies.ts";
import { html, type Reply, seeOther } from "../parts/reply.ts";
import { safeReturnTo } from "../parts/return-to.ts";
import { requireOwnOrigin } from "../request/authenticate.ts";
import { askerOf, type Exchange, type HttpContext } from "../request/context.ts";
import { defineRoute } from "../request/route.ts";

/** Seconds that a login may take. */
const LOGIN_LIFE = 600;

const PAGE = { mediaType: "text/html", schema: z.string() };

/** `GET /login` */
export const login = defineRoute({
  method: "GET",
  path: "/login",
  operationId: "login",
  tag: "Browser",
  summary: "Sign in",
  description:
    "Begins an OpenID Connect login (authorization code with PKCE) and sends the browser to the issuer. What is needed to finish it stays in a cookie of this browser for ten minutes.",
  auth: "none",
  kind: "page",
  head: false,
  query: z.strictObject({
    return_to: z
      .string()
      .max(1024)
      .optional()
      .meta({ description: "Where to return to: a path of this service, `/` by default." }),
    max_age: z
      .string()
      .regex(/^[0-9]{1,5}$/, "must be whole seconds")
      .optional()
      .meta({ type: "integer", description: "The most seconds since the person last proved who they are." }),
    acr_values: z
      .string()
      .regex(/^[!-~]+(?: [!-~]+)*$/, "must be names separated by spaces")
      .max(1024)
      .optional()
      .meta({ description: "Authentication context classes to ask the issuer for." }),
  }),
  responses: { 303: { description: "To the issuer.", headers: { Location: "The issuer's login." } } },
  problems: ["unavailable"],
  async handler({ context, service, query }) {
    const returnTo = safeReturnTo(query.return_to ?? "/", context.publicUrl);
    if (returnTo === undefined) {
      throw new DomainError("invalid_request", "return_to must be a path of this service", "return_to");
    }
    const { max_age, acr_values } = query;
    const demands = {
      ...(max_age === undefined ? {} : { maxAge: Number(max_age) }),
      ...(acr_values === undefined ? {} : { acr: acr_values.split(" ") }),
    };
    const { url, attempt } = await service.logins.begin(returnTo, demands);
    return seeOther(url, [setCookie(context.cookies.login, attempt, LOGIN_LIFE, context.https)]);
  },
});

/** `GET /callback` */
export const callback = defineRoute({
  method: "GET",
  path: "/callback",
  operationId: "callback",
  tag: "Browser",
  summary: "Come back from the issuer",
  description:
    "Finishes the login that this browser began, and begins a session with a new id. Takes whatever query the issuer sends. Answers a page for people where it fails: nothing of the query is repeated in it.",
  auth: "none",
  kind: "page",
  head: false,
  responses: {
    303: { description: "Signed in.", headers: { Location: "A path of this service." } },
    400: { description: "Not signed in, and why.", ...PAGE },
  },
  problems: ["unavailable"],
  async handler({ context, service, exchange }) {
    const cookies = exchange.request.headers.get("cookie");
    const attempt = readCookie(cookies, context.cookies.login);
    const forget = setCookie(context.cookies.login, "", 0, context.https);
    if (attempt === undefined) {
      return failed(context, exchange, NOT_BEGUN, forget);
    }
    // The issuer sent the browser to PUBLIC_URL; what host the request names is anyone's word.
    const back = new URL(`/callback?${exchange.search}`, context.publicUrl);
    const outcome = await service.logins.finish(attempt, back);
    if (!outcome.ok) return failed(context, exchange, outcome, forget);
    if (outcome.facts !== undefined) logFailure(context, exchange, "a login did without", outcome.facts);
    await endOld(context, exchange, readCookie(cookies, context.cookies.session));
    const returnTo = safeReturnTo(outcome.returnTo, context.publicUrl) ?? "/";
    const life = (outcome.expiresAt - context.now()) / 1000;
    return seeOther(returnTo, [
      forget,
      setCookie(context.cookies.session, outcome.cookie, life, context.https),
    ]);
  },
});

const NOT_BEGUN: LoginRefusal = {
  ok: false,
  reason: "this login was not begun in this browser, or took too long",
  facts: { step: "callback" },
};

function logFailure(context: HttpContext, exchange: Exchange, detail: string, facts: FailureFacts): void {
  context.log.failure({ requestId: exchange.requestId, route: "/callback", detail, facts });
}

function failed(context: HttpContext, exchange: Exchange, refusal: LoginRefusal, forget: string): Reply {
  logFailure(context, exchange, refusal.reason, refusal.facts ?? {});
  const text = context.pages.loginFailed(refusal.reason, exchange.requestId);
  return { ...html(400, text, context.pages.policy), cookies: [forget], code: "invalid_request" };
}

/** Ends the session that this browser had. The new login stands even where that cannot be done now. */
async function endOld(context: HttpContext, exchange: Exchange, cookie: string | undefined): Promise<void> {
  if (cookie === undefined) return;
  try {
    await context.service.logins.logout(cookie, askerOf(exchange), "stay");
  } catch (error) {
    context.log.fault({ requestId: exchange.requestId, route: "/callback", ...describeFault(error) });
  }
}

/** `POST /logout` */
export const logout = defineRoute({
  method: "POST",
  path: "/logout",
  operationId: "logout",
  tag: "Browser",
  summary: "Sign out",
  description:
    "Ends the session, and every login of a program that the same person confirmed; where there is none, it is no error. Needs the `Origin` of this service. A body is not read.",
  auth: "none",
  kind: "page",
  responses: { 303: { description: "Signed out.", headers: { Location: "The front page." } } },
  problems: ["forbidden", "rate_limited", "unavailable"],
  async handler({ context, service, exchange }) {
    requireOwnOrigin(context, exchange.request);
    const cookie = readCookie(exchange.request.headers.get("cookie"), context.cookies.session);
    if (cookie !== undefined) await service.logins.logout(cookie, askerOf(exchange));
    return seeOther("/", [setCookie(context.cookies.session, "", 0, context.https)]);
  },
});

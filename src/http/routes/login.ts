import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import type { LoginRefusal } from "../../domain/ports/identity.ts";
import type { FailureFacts } from "../../domain/ports/parts/failure.ts";
import { describeFault } from "../log/log.ts";
import { loginCookie, readCookie, setCookie, surplusLogins } from "../parts/cookies.ts";
import { html, type Reply, seeOther } from "../parts/reply.ts";
import { safeReturnTo } from "../parts/return-to.ts";
import { requireOwnOrigin } from "../request/authenticate.ts";
import { askerOf, type Exchange, type HttpContext } from "../request/context.ts";
import { loginPath } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { viewerOf } from "../request/viewer.ts";

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
    "Begins an OpenID Connect login (authorization code with PKCE) and sends the browser to the issuer. What is needed to finish it stays in a cookie of this browser for ten minutes; four logins can be under way at once.",
  auth: "none",
  kind: "page",
  head: false,
  query: z.strictObject({
    return_to: z
      .string()
      .max(2048)
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
  async handler({ context, service, query, exchange }) {
    const returnTo = safeReturnTo(query.return_to ?? "/", context.publicUrl);
    if (returnTo === undefined) {
      throw new DomainError("invalid_request", "return_to must be a path of this service", "return_to");
    }
    const { max_age, acr_values } = query;
    const demands = {
      ...(max_age === undefined ? {} : { maxAge: Number(max_age) }),
      ...(acr_values === undefined ? {} : { acr: acr_values.split(" ") }),
    };
    const { cookies, https } = context;
    const { url, state, attempt } = await service.logins.begin(returnTo, demands);
    return seeOther(url, [
      setCookie(loginCookie(cookies, state), attempt, LOGIN_LIFE, https),
      ...surplusLogins(exchange.request.headers.get("cookie"), cookies).map((name) =>
        setCookie(name, "", 0, https),
      ),
    ]);
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
  problems: ["rate_limited", "unavailable"],
  async handler({ context, service, exchange }) {
    const cookies = exchange.request.headers.get("cookie");
    const name = attemptCookie(context, exchange);
    const attempt = readCookie(cookies, name);
    const forget = setCookie(name, "", 0, context.https);
    // The issuer sent the browser to PUBLIC_URL; what host the request names is anyone's word.
    const back = new URL(`/callback?${exchange.search}`, context.publicUrl);
    const outcome = await service.logins.finish(attempt, back, askerOf(exchange));
    if (!outcome.ok) return await failed(context, exchange, outcome, forget);
    if (outcome.facts !== undefined) logFailure(context, exchange, "a login did without", outcome.facts);
    await endOld(context, exchange, readCookie(cookies, context.cookies.session), outcome.cookie);
    const returnTo = safeReturnTo(outcome.returnTo, context.publicUrl) ?? "/";
    const life = (outcome.expiresAt - context.clock.now()) / 1000;
    const { logoutHint } = outcome;
    return seeOther(returnTo, [
      forget,
      setCookie(context.cookies.session, outcome.cookie, life, context.https),
      ...(logoutHint === undefined ? [] : [hintCookie(context, logoutHint, life)]),
    ]);
  },
});

/** The cookie of the login that the issuer answers. Older versions have the same one for all. */
function attemptCookie({ cookies }: HttpContext, exchange: Exchange): string {
  const [state = "", another] = new URLSearchParams(exchange.search).getAll("state");
  const name = loginCookie(cookies, state);
  const isOwn = another === undefined && /^[\w-]{1,128}$/.test(state);
  const held = isOwn ? readCookie(exchange.request.headers.get("cookie"), name) : undefined;
  return held === undefined ? cookies.login : name;
}

function hintCookie({ cookies, https }: HttpContext, hint: string, life: number): string {
  return setCookie(cookies.logout, hint, life, https, "/logout");
}

function logFailure(
  context: HttpContext,
  exchange: Exchange,
  detail: string,
  facts: FailureFacts,
  route = "/callback",
): void {
  context.log.failure({ requestId: exchange.requestId, route, detail, facts });
}

async function failed(
  context: HttpContext,
  exchange: Exchange,
  refusal: LoginRefusal,
  forget: string,
): Promise<Reply> {
  logFailure(context, exchange, refusal.reason, refusal.facts ?? {});
  const viewer = await viewerOf(context, exchange);
  // An issuer that remembers an earlier login would answer with that one again.
  const login = refusal.anew === true ? loginPath("/", { maxAge: 0 }) : "/login";
  const text = context.pages.loginFailed(refusal.reason, exchange.requestId, viewer, login);
  return { ...html(400, text, context.pages.policy), cookies: [forget], code: "invalid_request" };
}

/** Ends the session that this browser had. The new login stands even where that cannot be done now. */
async function endOld(
  context: HttpContext,
  exchange: Exchange,
  cookie: string | undefined,
  successor: string,
): Promise<void> {
  if (cookie === undefined) return;
  try {
    await context.service.logins.logout(cookie, askerOf(exchange), successor);
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
    "Ends the session, and every login of a program that the same person confirmed; where there is none, it is no error. Then leads the browser to the issuer's own logout (OpenID Connect RP-Initiated Logout), if it has one. Needs the `Origin` of this service. A body is not read.",
  auth: "none",
  kind: "page",
  responses: {
    200: { description: "Signed out here: a page that leads on to the issuer's own logout.", ...PAGE },
    303: { description: "Signed out.", headers: { Location: "The front page." } },
  },
  problems: ["forbidden", "rate_limited", "unavailable"],
  async handler({ context, service, exchange }) {
    requireOwnOrigin(context, exchange.request);
    const cookie = readCookie(exchange.request.headers.get("cookie"), context.cookies.session);
    const forget = [setCookie(context.cookies.session, "", 0, context.https)];
    if (cookie === undefined) return seeOther("/", forget);
    await service.logins.logout(cookie, askerOf(exchange));
    const url = await issuerLogout(context, exchange, cookie);
    const cookies = [...forget, hintCookie(context, "", 0)];
    if (url === undefined) return seeOther("/", cookies);
    // A redirect would be one of a form, which `form-action` keeps from leaving this origin.
    return { ...html(200, context.pages.signedOut(url), context.pages.policy), cookies };
  },
});

/** Where the issuer ends its own session. One that cannot be asked keeps nobody signed in here. */
async function issuerLogout(
  context: HttpContext,
  exchange: Exchange,
  cookie: string,
): Promise<string | undefined> {
  const hint = readCookie(exchange.request.headers.get("cookie"), context.cookies.logout);
  try {
    return await context.service.logins.logoutUrl(cookie, hint);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    logFailure(context, exchange, error.message, error.facts ?? {}, "/logout");
    return undefined;
  }
}

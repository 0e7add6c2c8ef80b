import { OAuthError } from "../../domain/oauth-error.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { type Bill, onBill } from "../../domain/parts/turn.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { PROTECTED_RESOURCE_PATH, REQUEST_ID } from "../../words/http.ts";
import { TRACEPARENT } from "../../words/traceparent.ts";
import { describeFault } from "../log/log.ts";
import { setCookie } from "../parts/cookies.ts";
import { corsHeaders } from "../parts/cors.ts";
import { type LongText, streamOf } from "../parts/long-body.ts";
import { oauthProblemReply, problemOfOAuth } from "../parts/oauth-problem.ts";
import { HttpError, internalProblem, publicProblem } from "../parts/problem.ts";
import type { Problem } from "../parts/problem-document.ts";
import { html, problemReply, type Reply, ThrownReply } from "../parts/reply.ts";
import { securityHeaders } from "../parts/security-headers.ts";
import type { Exchange, HttpContext, HttpRequest } from "./context.ts";
import type { Route } from "./route.ts";
import { viewerOf } from "./viewer.ts";

type Matched = Pick<Route, "path" | "kind"> | undefined;

/** The way of every request: run it, bridge its errors, write one event, add the common headers. */
export function createPipeline(context: HttpContext, clock: Clock) {
  const common = securityHeaders(context.https);

  /**
   * Finds the answer to a request, and logs it. Never rejects.
   *
   * @param route undefined if no route matched
   * @param run makes the reply, or throws
   */
  async function settle(exchange: Exchange, route: Matched, run: () => Promise<Reply>): Promise<Reply> {
    const startedAt = clock.monotonic();
    const { requestId, method, seen } = exchange;
    const pattern = route?.path ?? null;
    const trace = context.tracer?.begin(
      { requestId, method, route: pattern },
      exchange.request.headers.get(TRACEPARENT),
    );
    if (trace?.span !== undefined) seen.span = trace.span;
    let reply: Reply;
    try {
      reply = await onBill(seen, run);
    } catch (error) {
      const known = error instanceof OAuthError ? problemOfOAuth(error) : publicProblem(error);
      const isFault = known === undefined && !(error instanceof ThrownReply);
      if (isFault) context.log.fault({ requestId, route: pattern, ...describeFault(error) });
      if (error instanceof DomainError && error.facts !== undefined) {
        context.log.failure({ requestId, route: pattern, detail: error.message, facts: error.facts });
      }
      reply =
        error instanceof ThrownReply
          ? error.reply
          : await refusal(context, exchange, route, known ?? internalProblem(), error);
    }
    if (context.allowedOrigins.size > 0 && route !== undefined && route.kind !== "page") {
      const methods = method === "OPTIONS" ? reply.headers["allow"] : undefined;
      const cors = corsHeaders(context.allowedOrigins, exchange.request.headers.get("origin"), methods);
      reply = { ...reply, headers: { ...reply.headers, ...cors } };
    }
    const milliseconds = Math.round((clock.monotonic() - startedAt) * 1000) / 1000;
    context.meter?.answered(pattern, method, reply.status, milliseconds);
    trace?.end({ status: reply.status, caller: seen.caller, code: reply.code ?? null });
    // A stream goes on for hours, and a record has an end.
    if (trace !== undefined) seen.span = undefined;
    context.log.request({
      requestId,
      method,
      route: pattern,
      status: reply.status,
      milliseconds,
      caller: seen.caller,
      peer: exchange.peer,
      code: reply.code ?? null,
      traceId: trace?.traceId,
    });
    return reply;
  }

  return {
    settle,
    /** Headers that every answer carries unless its reply says otherwise, besides `x-request-id`. */
    common,
    async answer(exchange: Exchange, route: Matched, run: () => Promise<Reply>): Promise<Response> {
      const reply = await settle(exchange, route, run);
      return toResponse(reply, { ...common, [REQUEST_ID]: exchange.requestId }, exchange.seen);
    },
  };
}

async function refusal(
  context: HttpContext,
  exchange: Exchange,
  route: Matched,
  problem: Problem,
  error: unknown,
): Promise<Reply> {
  const { path, kind } = route ?? {};
  // A method that is none of OAuth's is told of as everywhere.
  const isOAuths = path?.startsWith("/oauth/") === true && kind === "protocol";
  if (isOAuths && problem.code !== "method_not_allowed") {
    const reply = oauthProblemReply(problem, error);
    return { ...reply, headers: { ...reply.headers, ...(error instanceof HttpError ? error.headers : {}) } };
  }
  const unauthenticated = problem.code === "unauthenticated";
  const plain = problemReply(problem, {
    ...(error instanceof HttpError ? error.headers : {}),
    ...challenge(context, exchange, problem),
  });
  const isLost = kind === undefined && problem.code === "not_found";
  const isPage = isLost ? isBrowser(exchange.request) : kind === "page" && wantsHtml(exchange.request);
  const reply = isPage ? await asPage(context, exchange, problem, plain) : plain;
  // With the cookie of a session that is over, even routes that need no credential would refuse.
  const stale = unauthenticated && exchange.seen.credential === "cookie";
  return stale ? { ...reply, cookies: [setCookie(context.cookies.session, "", 0, context.https)] } : reply;
}

/** A problem as a page. Its head takes a look-up, which is spared while the service is in trouble. */
async function asPage(
  context: HttpContext,
  exchange: Exchange,
  problem: Problem,
  plain: Reply,
): Promise<Reply> {
  const { pages } = context;
  const isCalm =
    problem.status < 500 && problem.code !== "rate_limited" && problem.code !== "unauthenticated";
  const viewer = isCalm ? await viewerOf(context, exchange) : "unknown";
  const page = html(problem.status, pages.problem(problem, exchange.requestId, viewer), pages.policy);
  return { ...plain, body: page.body, headers: { ...plain.headers, ...page.headers } };
}

/**
 * How to come back with another credential: an error code only if one was sent (RFC 6750 §3), and where it is written how to get
 * one (RFC 9728 §5.1).
 */
function challenge({ publicUrl }: HttpContext, { seen }: Exchange, { code }: Problem) {
  const isSent = seen.credential === "bearer";
  const isLow = code === "forbidden" && isSent;
  if (code !== "unauthenticated" && !isLow) return {};
  const error = isLow ? ['error="insufficient_scope"'] : isSent ? ['error="invalid_token"'] : [];
  const parameters = [...error, `resource_metadata="${publicUrl.origin}${PROTECTED_RESOURCE_PATH}"`];
  return { "www-authenticate": `Bearer ${parameters.join(", ")}` };
}

/** Whether a page's reader is a browser, or asks for nothing else. */
function wantsHtml(request: HttpRequest): boolean {
  const accept = request.headers.get("accept") ?? "*/*";
  return /text\/html|text\/\*|\*\/\*/i.test(accept) && !/^application\/(?:[a-z.+-]*\+)?json\b/i.test(accept);
}

function isLong(body: Reply["body"]): body is LongText {
  return Array.isArray(body);
}

/** Whether a person follows a link to nothing: programs rarely say that they want HTML. */
function isBrowser({ method, headers }: HttpRequest): boolean {
  return (method === "GET" || method === "HEAD") && /text\/html/i.test(headers.get("accept") ?? "");
}

function toResponse(reply: Reply, common: Readonly<Record<string, string>>, bill: Bill): Response {
  const headers = new Headers({ ...common, ...reply.headers });
  for (const cookie of reply.cookies ?? []) headers.append("set-cookie", cookie);
  const { body } = reply;
  return new Response(isLong(body) ? streamOf(body, bill) : body, { status: reply.status, headers });
}

import type { Caller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { payerOf } from "../../domain/payer.ts";
import { parseAuthorization } from "../parts/authorization.ts";
import { readCookie } from "../parts/cookies.ts";
import { presentedMacaroons, speaksBakery } from "./bakery-wire.ts";
import { askerOf, type Exchange, type HttpContext, type HttpRequest } from "./context.ts";

/**
 * Finds out who calls. A bearer credential wins over a cookie, since it was sent on purpose; a
 * credential that is there but no good is refused also where none is needed.
 *
 * @returns undefined if no credential was sent
 */
export async function authenticate(context: HttpContext, exchange: Exchange): Promise<Caller | undefined> {
  const { request, seen } = exchange;
  const authorization = parseAuthorization(request.headers.get("authorization"));
  if (authorization.kind === "malformed") {
    seen.credential = "bearer";
    throw new DomainError("unauthenticated", authorization.detail);
  }
  const caller =
    authorization.kind === "bearer"
      ? await byBearer(context, exchange, authorization.token)
      : ((await bySession(context, exchange)) ?? (await byMacaroons(context, exchange)));
  if (caller === undefined) return undefined;
  seen.caller = caller.kind === "human" ? "human" : caller.role;
  seen.payer = payerOf(caller);
  return caller;
}

function byBearer(context: HttpContext, exchange: Exchange, token: string): Promise<Caller> {
  exchange.seen.credential = "bearer";
  const { method, path, peer, ip } = exchange;
  // A credential can be narrowed to addresses, and whoever has hung up has none that could be checked.
  if (peer === undefined) throw new DomainError("unavailable", "the peer's address is not known");
  return context.service.authentication.bearer(token, { method, path, ip });
}

async function bySession(context: HttpContext, exchange: Exchange): Promise<Caller | undefined> {
  const cookie = readCookie(exchange.request.headers.get("cookie"), context.cookies.session);
  if (cookie === undefined) return undefined;
  exchange.seen.credential = "cookie";
  if (exchange.method !== "GET" && exchange.method !== "HEAD") requireOwnOrigin(context, exchange.request);
  return context.service.authentication.session(cookie, askerOf(exchange));
}

/**
 * A login with a client of macaroon-bakery. One that has run out counts as none, so that the client is asked to log
 * in anew.
 */
async function byMacaroons(context: HttpContext, exchange: Exchange): Promise<Caller | undefined> {
  const { request } = exchange;
  const bundle = presentedMacaroons(request);
  if (bundle === undefined) return undefined;
  // These clients are no browsers. Should a page have put the cookie there, it is held to the rule of cookies.
  const isBrowser = request.headers.has("origin") || request.headers.has("sec-fetch-site");
  if (isBrowser && exchange.method !== "GET" && exchange.method !== "HEAD")
    requireOwnOrigin(context, request);
  try {
    return await context.service.bakery.caller(bundle);
  } catch (error) {
    const ended = error instanceof DomainError && error.code === "unauthenticated";
    if (ended && speaksBakery(request)) return undefined;
    throw error;
  }
}

/**
 * Lets a write with a cookie pass only from this service's own pages: browsers attach cookies to what
 * other sites make them send, and `SameSite` alone trusts every neighbour on the same domain.
 */
export function requireOwnOrigin(context: HttpContext, request: HttpRequest): void {
  const site = request.headers.get("sec-fetch-site");
  const own = request.headers.get("origin") === context.publicUrl.origin;
  if (own && (site === null || site === "same-origin")) return;
  throw new DomainError("forbidden", "a write with a session cookie needs the Origin of this service");
}

import type { HumanCaller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import type { LoginDemands } from "../../domain/ports/identity.ts";
import { readCookie } from "../parts/cookies.ts";
import { type Reply, seeOther } from "../parts/reply.ts";
import { askerOf, type Exchange, type HttpContext } from "./context.ts";

/** The person whose browser asks for a page; undefined where nobody is signed in. Bearer credentials are not looked at. */
export async function pageCaller(context: HttpContext, exchange: Exchange): Promise<HumanCaller | undefined> {
  const cookie = readCookie(exchange.request.headers.get("cookie"), context.cookies.session);
  if (cookie === undefined) return undefined;
  try {
    const caller = await context.service.authentication.session(cookie, askerOf(exchange));
    exchange.seen.caller = "human";
    return caller;
  } catch (error) {
    if (error instanceof DomainError && error.code === "unauthenticated") return undefined;
    throw error;
  }
}

/** Where to sign in and come back from. */
export function loginPath(returnTo: string, { maxAge, acr }: LoginDemands = {}): string {
  const query = new URLSearchParams({ return_to: returnTo });
  if (maxAge !== undefined) query.set("max_age", String(maxAge));
  if (acr !== undefined) query.set("acr_values", acr.join(" "));
  return `/login?${query}`;
}

/** What is needed of a handler's input. */
interface PageInput {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
}

/** Answers whoever is signed in, and sends the others to sign in first. */
export function signedIn<Input extends PageInput>(
  answer: (input: Input, caller: HumanCaller) => Promise<Reply>,
): (input: Input) => Promise<Reply> {
  return async (input) => {
    const caller = await pageCaller(input.context, input.exchange);
    return caller === undefined ? seeOther(loginPath(input.exchange.path), []) : answer(input, caller);
  };
}

import { z } from "zod";
import type { HumanCaller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { payerOf } from "../../domain/payer.ts";
import type { LoginDemands } from "../../domain/ports/identity.ts";
import { readCookie } from "../parts/cookies.ts";
import { html, type Reply, seeOther } from "../parts/reply.ts";
import { requireOwnOrigin } from "./authenticate.ts";
import { askerOf, type Exchange, type HttpContext } from "./context.ts";
import { beginWait } from "./held-back.ts";

/** The person at the browser that asks for a page; undefined if nobody is signed in. Bearer credentials are not looked at. */
export async function pageCaller(context: HttpContext, exchange: Exchange): Promise<HumanCaller | undefined> {
  const cookie = readCookie(exchange.request.headers.get("cookie"), context.cookies.session);
  if (cookie === undefined) return undefined;
  try {
    const caller = await context.service.authentication.session(cookie, askerOf(exchange));
    exchange.seen.caller = "human";
    exchange.seen.payer = payerOf(caller);
    return caller;
  } catch (error) {
    if (error instanceof DomainError && error.code === "unauthenticated") return undefined;
    throw error;
  }
}

/** The path to sign in at and come back from. */
export function loginPath(returnTo: string, { maxAge, acr }: LoginDemands = {}): string {
  const query = new URLSearchParams({ return_to: returnTo });
  if (maxAge !== undefined) query.set("max_age", String(maxAge));
  if (acr !== undefined) query.set("acr_values", acr.join(" "));
  return `/login?${query}`;
}

/** The answer to a form after the end of its session, for openapi.yaml. */
export const SESSION_OVER = {
  description: "Nothing was done: a page with a way to sign in.",
  mediaType: "text/html",
  schema: z.string(),
} as const;

/** The part of a handler's input that is needed. */
interface PageInput {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
}

/**
 * Answers a form of a person with a session, if a page of this service sent it, and the others with a page that has a way in: the redirect to the issuer
 * would be one of a form, which `form-action` stops without a word.
 *
 * @param back the way on after a login: a page, since a form's own path may have none
 * @param read reads the form. Whoever held it back is looked for anew
 */
export function signedInForm<Input extends PageInput, Form>(
  back: (input: Input) => string,
  read: (input: Input) => Promise<Form>,
  answer: (input: Input, caller: HumanCaller, form: Form) => Promise<Reply>,
): (input: Input) => Promise<Reply> {
  return async (input) => {
    const { context, exchange } = input;
    requireOwnOrigin(context, exchange.request);
    let caller = await pageCaller(context, exchange);
    if (caller !== undefined) {
      const waiting = beginWait(context.clock);
      const form = await read(input);
      if (waiting.wasLong()) caller = await pageCaller(context, exchange);
      if (caller !== undefined) {
        const person = caller;
        const reply = await unlessLoginEnded(() => answer(input, person, form));
        // The issuer remembers the login that has ended, and must not give it again.
        return reply ?? sessionOver(context, loginPath(back(input), { maxAge: 0 }));
      }
    }
    return sessionOver(context, loginPath(back(input)));
  };
}

/** @returns undefined if the session stands, but a revocation has ended the login that was to be redeemed */
async function unlessLoginEnded(answer: () => Promise<Reply>): Promise<Reply | undefined> {
  try {
    return await answer();
  } catch (error) {
    if (error instanceof DomainError && error.code === "unauthenticated") return undefined;
    throw error;
  }
}

function sessionOver({ pages }: HttpContext, login: string): Reply {
  const page = html(401, pages.sessionOver(login), pages.policy);
  const headers = { ...page.headers, "www-authenticate": "Bearer" };
  return { ...page, headers, code: "unauthenticated" };
}

/** Answers people with a session, and sends the others to sign in first. */
export function signedIn<Input extends PageInput>(
  answer: (input: Input, caller: HumanCaller) => Promise<Reply>,
): (input: Input) => Promise<Reply> {
  return async (input) => {
    const caller = await pageCaller(input.context, input.exchange);
    return caller === undefined ? seeOther(loginPath(input.exchange.path), []) : answer(input, caller);
  };
}

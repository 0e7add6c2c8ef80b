import { z } from "zod";

import type { HumanCaller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { SHOWN_TO, shownTo } from "../pages/shown-to.ts";
import { html, type Reply } from "../parts/reply.ts";
import type { Exchange, HttpContext } from "../request/context.ts";
import { type Parameters, textOf } from "../request/form.ts";
import { loginPath, SESSION_OVER } from "../request/page-caller.ts";
import { lineOfText } from "../wire/text.ts";

/*
 * The common parts of the routes that show pages to people and take their forms.
 */

/** A page, for openapi.yaml. */
export const PAGE = { mediaType: "text/html", schema: z.string() };

const SIGN_IN = { description: "To sign in first.", headers: { Location: "The login." } };
const DONE = {
  description: "To the page.",
  headers: { Location: "A path of this service." },
};

/** The common parts of all routes that show a page. */
export const SHOWS = {
  method: "GET",
  tag: "Browser",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The page.", ...PAGE }, 303: SIGN_IN },
  problems: ["rate_limited", "unavailable"],
} as const;

/** The answers of a page that concerns some people. */
export const CONCERNS = {
  ...SHOWS.responses,
  404: {
    description: "It is for somebody else, or is not there: a page with a way to sign in as them.",
    ...PAGE,
  },
} as const;

/** The common parts of all routes that take a page's form. */
export const ANSWERS = {
  method: "POST",
  tag: "Browser",
  auth: "none",
  kind: "page",
  responses: { 303: DONE, 401: SESSION_OVER },
  problems: ["invalid_request", "forbidden", "conflict", "gone", "rate_limited", "unavailable"],
} as const;

/** Items that a list shows on one page. */
export const SHOWN = 100;

/** The input of the handler of a page with an id. */
export interface Asked {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
  readonly params: { readonly id: string };
}

/** The input of the handler of a list. */
export interface Paged extends Omit<Asked, "params"> {
  readonly query: { readonly before?: string | undefined };
}

/** @returns undefined for what is not there, or does not concern the caller */
export async function found<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof DomainError && error.code === "not_found") return undefined;
    throw error;
  }
}

/** The page for a thing that is somebody else's or is not there, with a way to sign in as somebody else. */
export function notYours({ context, exchange }: Asked, { identity }: HumanCaller): Reply {
  const { pages } = context;
  const other = loginPath(exchange.path, { maxAge: 0 });
  return { ...html(404, pages.notYours(identity, other), pages.policy), code: "not_found" };
}

/** The button that was pressed. @throws DomainError for a form without one of these */
export function decisionOf<T extends string>(form: Parameters, ...allowed: readonly T[]): T {
  const said = textOf(form, "decision");
  const decision = allowed.find((one) => one === said);
  if (decision !== undefined) return decision;
  throw new DomainError("invalid_request", `decision must be one of ${allowed.join(", ")}`, "decision");
}

/**
 * Lets a form pass of the reader of its page. Without the field it is of a page from before there was one: other origins'
 * forms are refused anyway.
 *
 * @throws DomainError `conflict` if somebody else has signed in since
 */
export function requireShownTo(form: Parameters, { identity }: HumanCaller): void {
  const said = textOf(form, SHOWN_TO);
  if (said === undefined || said === shownTo(identity)) return;
  const why = "somebody else has signed in since this page was shown, and nothing was done: open it again";
  throw new DomainError("conflict", why);
}

const reasonSchema = lineOfText(500);

/** A form's reason; undefined if it was left empty. @throws DomainError for one that is no line of text */
export function reasonOf(form: Parameters): string | undefined {
  const text = textOf(form, "reason") ?? "";
  if (text === "") return undefined;
  if (!reasonSchema.safeParse(text).success) {
    throw new DomainError("invalid_request", "reason must be one line of at most 500 characters", "reason");
  }
  return text;
}

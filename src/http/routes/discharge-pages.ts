import { z } from "zod";
import type { TermOptions } from "../../conditions/terms.ts";
import type { HumanCaller } from "../../domain/caller.ts";
import { DomainError } from "../../domain/parts/error.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { DECISIONS } from "../../words/states.ts";
import type { Pages } from "../pages/pages.ts";
import { html, type Reply, seeOther } from "../parts/reply.ts";
import { requireOwnOrigin } from "../request/authenticate.ts";
import type { Exchange, HttpContext } from "../request/context.ts";
import { PAGE_FORM, type Parameters, readForm, textOf } from "../request/form.ts";
import { loginPath, SESSION_OVER, signedIn, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { lineOfText } from "../wire/text.ts";
import { approvalId } from "./approvals.ts";

const PAGE = { mediaType: "text/html", schema: z.string() };
const params = z.strictObject({ id: approvalId });
const SIGN_IN = { description: "To sign in first.", headers: { Location: "The login." } };
const DONE = {
  description: "To the page.",
  headers: { Location: "A path of this service." },
};

/** The common parts of all routes that show a page. */
const SHOWS = {
  method: "GET",
  tag: "Browser",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The page.", ...PAGE }, 303: SIGN_IN },
  problems: ["rate_limited", "unavailable"],
} as const;

/** The answers of a page that concerns some people. */
const CONCERNS = {
  ...SHOWS.responses,
  404: {
    description: "It is for somebody else, or is not there: a page with a way to sign in as them.",
    ...PAGE,
  },
} as const;

/** The common parts of all routes that take a page's form. */
const ANSWERS = {
  method: "POST",
  tag: "Browser",
  auth: "none",
  kind: "page",
  params,
  responses: { 303: DONE, 401: SESSION_OVER },
  problems: ["invalid_request", "forbidden", "conflict", "gone", "rate_limited", "unavailable"],
} as const;

/** Approvals that the list shows. */
const SHOWN = 100;

/** Seconds: a login that is asked for anew is one that just happened. */
const NEW_LOGIN = 60;

/** The way to sign in again for a page, as its ticket demands. */
function newLogin(path: string, { authAge, acr }: TermOptions): string {
  return loginPath(path, {
    maxAge: Math.min(NEW_LOGIN, authAge ?? NEW_LOGIN),
    ...(acr === undefined ? {} : { acr }),
  });
}

function decisionOf<T extends string>(form: Parameters, ...allowed: readonly T[]): T {
  const said = textOf(form, "decision");
  const decision = allowed.find((one) => one === said);
  if (decision !== undefined) return decision;
  throw new DomainError("invalid_request", `decision must be one of ${allowed.join(", ")}`, "decision");
}

const reasonSchema = lineOfText(500);

function reasonOf(form: Parameters): string | undefined {
  const text = textOf(form, "reason") ?? "";
  if (text === "") return undefined;
  if (!reasonSchema.safeParse(text).success) {
    throw new DomainError("invalid_request", "reason must be one line of at most 500 characters", "reason");
  }
  return text;
}

/** The input of the handler of a page with an id. */
interface Asked {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
  readonly params: z.infer<typeof params>;
}

/** Shows one thing to the person who is signed in, with a way to sign in anew as its ticket demands. */
function onePage<View extends { readonly options: TermOptions }>(
  find: (asked: Asked, caller: HumanCaller) => Promise<View>,
  page: (pages: Pages) => (view: View, identity: Identity, login: string) => string,
): (asked: Asked) => Promise<Reply> {
  return signedIn(async (asked, caller) => {
    const { pages } = asked.context;
    const { path } = asked.exchange;
    const view = await found(() => find(asked, caller));
    if (view === undefined) {
      const other = loginPath(path, { maxAge: 0 });
      return { ...html(404, pages.notYours(caller.identity, other), pages.policy), code: "not_found" };
    }
    return html(200, page(pages)(view, caller.identity, newLogin(path, view.options)), pages.policy);
  });
}

/** @returns undefined for what is not there, or does not concern the caller */
async function found<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof DomainError && error.code === "not_found") return undefined;
    throw error;
  }
}

/** Does what a page's form says, for the person who is signed in, and goes back to the page. */
function oneForm(
  act: (asked: Asked, caller: HumanCaller, form: Parameters) => Promise<void>,
): (asked: Asked) => Promise<Reply> {
  const answer = signedInForm(
    ({ exchange }: Asked) => exchange.path,
    ({ exchange }) => readForm(exchange.request, PAGE_FORM),
    async (asked, caller, form) => {
      await act(asked, caller, form);
      return seeOther(asked.exchange.path, []);
    },
  );
  return async (asked) => {
    requireOwnOrigin(asked.context, asked.exchange.request);
    return answer(asked);
  };
}

/** `GET /discharges/{id}` */
export const confirmationPage = defineRoute({
  ...SHOWS,
  path: "/discharges/{id}",
  operationId: "confirmationPage",
  summary: "Confirm who one is",
  description:
    "The `user_url` of a discharge that a login proves. It shows the code that the asker was shown, and does nothing by itself.",
  params,
  responses: CONCERNS,
  handler: onePage(
    ({ service, params }, caller) => service.discharges.view(caller, params.id),
    (pages) => pages.confirmation,
  ),
});

/** `POST /discharges/{id}` */
export const confirm = defineRoute({
  ...ANSWERS,
  path: "/discharges/{id}",
  operationId: "confirm",
  summary: "Answer the page",
  description:
    "A form with `decision`: `confirm` or `deny`. Needs a session and the `Origin` of this service.",
  handler: oneForm(async ({ service, params }, caller, form) => {
    const decision = decisionOf(form, "confirm", "deny");
    await service.discharges.confirm(caller, params.id, decision === "confirm");
  }),
});

/** The input of the handler of the list. */
interface Listing extends Omit<Asked, "params"> {
  readonly query: { readonly before?: string | undefined };
}

/** `GET /approvals` */
export const approvalsPage = defineRoute({
  ...SHOWS,
  path: APPROVALS_PATH,
  operationId: "approvalsPage",
  summary: "What one is asked to approve",
  description: "Past ones too, a hundred on a page, the newest first.",
  query: z.strictObject({
    before: approvalId.optional().meta({ description: "The last approval of the page before." }),
  }),
  handler: signedIn(async ({ context, service, query: { before: after } }: Listing, caller) => {
    const { items, next } = await service.approvals.list(caller, false, { limit: SHOWN, after });
    const page = { older: next, isFirst: after === undefined };
    return html(200, context.pages.approvals(items, page), context.pages.policy);
  }),
});

/** `GET /approvals/{id}` */
export const approvalPage = defineRoute({
  ...SHOWS,
  path: `${APPROVALS_PATH}/{id}`,
  operationId: "approvalPage",
  summary: "One approval",
  description: "What is asked, by whose token, and what exactly will be allowed. For those who are asked.",
  params,
  responses: CONCERNS,
  handler: onePage(
    ({ service, params }, caller) => service.approvals.get(caller, params.id),
    (pages) => pages.approval,
  ),
});

/** `POST /approvals/{id}` */
export const answerApproval = defineRoute({
  ...ANSWERS,
  path: `${APPROVALS_PATH}/{id}`,
  operationId: "answerApproval",
  summary: "Approve or deny, on the page",
  description:
    "A form with `decision`, `approve` or `deny`, and `reason`; or `withdraw`, by the person who said yes, until the discharge ends. Needs a session and the `Origin` of this service.",
  handler: oneForm(async ({ service, params }, caller, form) => {
    const decision = decisionOf(form, ...DECISIONS, "withdraw");
    if (decision === "withdraw") return service.approvals.withdraw(caller, params.id);
    const approved = decision === "approve";
    await service.approvals.decide(caller, params.id, { approved, reason: reasonOf(form) });
  }),
});

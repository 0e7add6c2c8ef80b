import { z } from "zod";
import type { TermOptions } from "../../conditions/terms.ts";
import type { HumanCaller } from "../../domain/caller.ts";
import type { Identity } from "../../domain/ports/sessions.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { DECISIONS } from "../../words/states.ts";
import type { Pages } from "../pages/pages.ts";
import { html, type Reply, seeOther } from "../parts/reply.ts";
import { PAGE_FORM, type Parameters, readForm } from "../request/form.ts";
import { loginPath, signedIn, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { approvalId } from "./approvals.ts";
import {
  ANSWERS,
  type Asked,
  CONCERNS,
  decisionOf,
  found,
  notYours,
  type Paged,
  reasonOf,
  requireShownTo,
  SHOWN,
  SHOWS,
} from "./page-parts.ts";

const params = z.strictObject({ id: approvalId });

/** Seconds: a login that is asked for anew is one that just happened. */
const NEW_LOGIN = 60;

/** The way to sign in again for a page, as its ticket demands. */
function newLogin(path: string, { authAge, acr }: TermOptions): string {
  return loginPath(path, {
    maxAge: Math.min(NEW_LOGIN, authAge ?? NEW_LOGIN),
    ...(acr === undefined ? {} : { acr }),
  });
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
    if (view === undefined) return notYours(asked, caller);
    return html(200, page(pages)(view, caller.identity, newLogin(path, view.options)), pages.policy);
  });
}

/** Does what a page's form says, for the person who is signed in, and goes back to the page. */
function oneForm(
  act: (asked: Asked, caller: HumanCaller, form: Parameters) => Promise<void>,
): (asked: Asked) => Promise<Reply> {
  return signedInForm(
    ({ exchange }: Asked) => exchange.path,
    ({ exchange }) => readForm(exchange.request, PAGE_FORM),
    async (asked, caller, form) => {
      requireShownTo(form, caller);
      await act(asked, caller, form);
      return seeOther(asked.exchange.path, []);
    },
  );
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
  params,
  path: "/discharges/{id}",
  operationId: "confirm",
  summary: "Answer the page",
  description:
    "A form with `decision`: `confirm` or `deny`; or `withdraw`, by the person who confirmed, until the discharge ends: it is then revoked as an approval is. Needs a session and the `Origin` of this service.",
  handler: oneForm(async ({ service, params }, caller, form) => {
    const decision = decisionOf(form, "confirm", "deny", "withdraw");
    if (decision === "withdraw") return service.discharges.takeBack(caller, params.id);
    await service.discharges.confirm(caller, params.id, decision === "confirm");
  }),
});

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
  handler: signedIn(async ({ context, service, query: { before: after } }: Paged, caller) => {
    const { items, next } = await service.approvals.list(caller, false, { limit: SHOWN, after });
    const page = { older: next, isFirst: after === undefined };
    return html(200, context.pages.approvals(items, page, caller.identity), context.pages.policy);
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
  params,
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

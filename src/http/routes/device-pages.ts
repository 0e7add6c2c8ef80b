import { html } from "../parts/reply.ts";
import { askerOf, type Exchange, type HttpContext } from "../request/context.ts";
import { PAGE_FORM, readForm, textOf } from "../request/form.ts";
import { SESSION_OVER, signedIn, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { decisionOf, PAGE, SHOWS } from "./page-parts.ts";

const PATH = "/device";

interface Input {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
}

/** `GET /device` */
export const devicePage = defineRoute({
  ...SHOWS,
  path: PATH,
  operationId: "devicePage",
  tag: "OAuth",
  summary: "Type a device's code",
  description: "For a person who is signed in. The code is not taken from the address.",
  handler: signedIn(async ({ context }: Input, caller) =>
    html(200, context.pages.device(caller.identity, false), context.pages.policy),
  ),
});

/** `POST /device` */
export const answerDevice = defineRoute({
  method: "POST",
  path: PATH,
  operationId: "answerDevice",
  tag: "OAuth",
  summary: "Find a device's request, and answer it",
  description:
    "A form with `user_code`; the answer's page asks. Its form has `decision`, `allow` or `deny`, and the page's `seal` besides. Needs a session and the `Origin` of this service. A person who types codes that are none is held up: 429.",
  auth: "none",
  kind: "page",
  responses: { 200: { description: "The next page.", ...PAGE }, 401: SESSION_OVER },
  problems: ["invalid_request", "forbidden", "rate_limited", "unavailable"],
  handler: signedInForm(
    (_input: Input) => PATH,
    ({ exchange }) => readForm(exchange.request, PAGE_FORM),
    async ({ context, service, exchange }, caller, form) => {
      const { pages } = context;
      const { identity } = caller;
      const code = textOf(form, "user_code") ?? "";
      const from = askerOf(exchange);
      const step = form.has("decision")
        ? await service.devices.decide(
            caller,
            code,
            { allowed: decisionOf(form, "allow", "deny") === "allow", seal: textOf(form, "seal") ?? "" },
            from,
          )
        : await service.devices.look(caller, code, from);
      switch (step.kind) {
        case "unknown":
          return html(200, pages.device(identity, true), pages.policy);
        case "consent":
          return html(200, pages.deviceConsent(step.view, identity, step.changed === true), pages.policy);
        case "answered":
          return html(200, pages.deviceAnswered(identity, step.allowed), pages.policy);
        default:
          return step satisfies never;
      }
    },
  ),
});

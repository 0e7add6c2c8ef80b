import { z } from "zod";
import { html, jsonText } from "../parts/reply.ts";
import { askerOf, type Exchange, type HttpContext } from "../request/context.ts";
import { GRANT_FORM, PAGE_FORM, readForm, readOAuthForm, textOf } from "../request/form.ts";
import { SESSION_OVER, signedIn, signedInForm } from "../request/page-caller.ts";
import { defineRoute } from "../request/route.ts";
import { decisionOf, PAGE, SHOWS } from "../routes/page-parts.ts";

const text = z.string();
const PATH = "/device";

/** `POST /oauth/device_authorization` */
export const deviceAuthorization = defineRoute({
  method: "POST",
  path: "/oauth/device_authorization",
  operationId: "deviceAuthorization",
  tag: "OAuth",
  summary: "Begin a login for a device",
  description:
    "RFC 8628 §3.1, for programs without a browser, of registered clients. A person types `user_code` at `verification_uri`, signs in and is asked as at `/oauth/authorize`, each time anew; meanwhile the device asks the token endpoint, every `interval` seconds. A client with a way to authenticate does so here too.",
  auth: "none",
  kind: "protocol",
  form: {
    schema: z.object({
      client_id: text.optional(),
      scope: text.optional().meta({ description: "None is all that the resource has." }),
      resource: text.optional().meta({
        description: "The one that the token is for (RFC 8707); needed unless the service has one only.",
      }),
      client_secret: text.optional(),
      client_assertion_type: text.optional(),
      client_assertion: text.optional(),
    }),
    example: { client_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081", resource: "https://mcp.example.com/mcp" },
  },
  responses: {
    200: {
      description: "The two codes.",
      schema: z
        .strictObject({
          device_code: text.meta({ description: "The device's own: a secret, good for one token." }),
          user_code: text.meta({ description: "For the person to type." }),
          verification_uri: z.url(),
          expires_in: z.int().meta({ description: "Seconds." }),
          interval: z.int().meta({ description: "Seconds to wait between two questions." }),
        })
        .meta({ id: "DeviceAuthorization" }),
      example: {
        device_code: "J5Xk2bN0qW8vT3rY6uI9oP1aS4dF7gH0jK3lZ6xC9vB2nM5qW8eR1tY4uI7",
        user_code: "WDJB-MJHT",
        verification_uri: "https://bakehouse.example/device",
        expires_in: 600,
        interval: 5,
      },
      headers: { "Cache-Control": "`no-store`." },
    },
  },
  problems: ["invalid_request", "unauthenticated", "rate_limited", "unavailable"],
  async handler({ service, exchange }) {
    const answer = await service.devices.begin({
      parameters: await readOAuthForm(exchange.request, GRANT_FORM),
      authorization: exchange.request.headers.get("authorization") ?? undefined,
      from: askerOf(exchange),
    });
    const reply = jsonText(200, JSON.stringify(answer));
    return { ...reply, headers: { ...reply.headers, "cache-control": "no-store", pragma: "no-cache" } };
  },
});

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

interface Input {
  readonly context: HttpContext;
  readonly service: HttpContext["service"];
  readonly exchange: Exchange;
}

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

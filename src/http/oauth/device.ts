import { z } from "zod";

import { defineRoute } from "../request/route.ts";
import { readClientRequest, secretAnswer } from "./client-request.ts";

const text = z.string();

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
    const answer = await service.devices.begin(await readClientRequest(exchange));
    return secretAnswer(JSON.stringify(answer));
  },
});

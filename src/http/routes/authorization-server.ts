import { z } from "zod";
import { METADATA_PATH } from "../../words/http.ts";

import { oauthIntrospect } from "../oauth/introspect.ts";
import { json } from "../parts/reply.ts";
import { defineRoute } from "../request/route.ts";
import { oauthRevoke } from "./oauth-revoke.ts";

const url = z.url();

/** `GET /.well-known/oauth-authorization-server` */
export const authorizationServer = defineRoute({
  method: "GET",
  path: METADATA_PATH,
  operationId: "authorizationServer",
  tag: "Service",
  summary: "What the service tells anyone of itself",
  description:
    "RFC 8414. `bakehouse_login` says where people log in who use the command line: an OpenID Connect issuer, and the public client id there. Absent where none is configured.",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "The metadata.",
      schema: z
        .strictObject({
          issuer: url.meta({ description: "This service." }),
          response_types_supported: z.array(z.string()),
          service_documentation: url,
          revocation_endpoint: url.meta({ description: "RFC 7009: for whoever holds a token." }),
          revocation_endpoint_auth_methods_supported: z.array(z.literal("none")),
          introspection_endpoint: url.meta({
            description: "RFC 7662: for a resource, by its platform's credential.",
          }),
          introspection_endpoint_auth_methods_supported: z.array(z.string()),
          bakehouse_login: z.strictObject({ issuer: z.string(), client_id: z.string() }).optional(),
        })
        .meta({ id: "AuthorizationServer" }),
      example: {
        issuer: "https://bakehouse.example",
        response_types_supported: [],
        service_documentation: "https://bakehouse.example/docs",
        revocation_endpoint: "https://bakehouse.example/oauth/revoke",
        revocation_endpoint_auth_methods_supported: ["none"],
        introspection_endpoint: "https://bakehouse.example/oauth/introspect",
        introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
        bakehouse_login: { issuer: "https://login.example.com", client_id: "bakehouse-cli" },
      },
    },
  },
  handler({ context }) {
    const { origin } = context.publicUrl;
    const { commandLineLogin: login } = context;
    return json(200, {
      issuer: origin,
      // People log in at their own issuer; no grant of this service has a page.
      response_types_supported: [],
      service_documentation: `${origin}/docs`,
      // Holding a token suffices: a client that sends credentials to revoke one would send them for nothing.
      revocation_endpoint: `${origin}${oauthRevoke.path}`,
      revocation_endpoint_auth_methods_supported: ["none" as const],
      introspection_endpoint: `${origin}${oauthIntrospect.path}`,
      introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      ...(login && { bakehouse_login: { issuer: login.issuer, client_id: login.clientId } }),
    });
  },
});

import { z } from "zod";
import { SIGNATURE_ALGORITHMS } from "../../domain/parts/token-claims.ts";

import { METADATA_PATH, OPENID_PATH, PROTECTED_RESOURCE_PATH } from "../../words/http.ts";
import { json } from "../parts/reply.ts";
import type { HttpContext } from "../request/context.ts";
import { defineRoute } from "../request/route.ts";
import { authMethod } from "../wire/oauth.ts";
import { authorize } from "./authorize.ts";
import { deviceAuthorization } from "./device.ts";
import { oauthIntrospect } from "./introspect.ts";
import { jwks } from "./jwks.ts";
import { oauthRevoke } from "./revoke.ts";
import { GRANT_TYPES, oauthToken } from "./token.ts";

const url = z.url();
const texts = z.array(z.string());

const METHODS = authMethod.options;

const metadataSchema = z
  .strictObject({
    issuer: url.meta({ description: "This service." }),
    authorization_endpoint: url,
    token_endpoint: url,
    revocation_endpoint: url.meta({
      description: "RFC 7009: a macaroon by its holder, a refresh token by its client.",
    }),
    device_authorization_endpoint: url.meta({ description: "RFC 8628, for registered clients." }),
    introspection_endpoint: url.meta({
      description: "RFC 7662: for a resource, by its platform's credential.",
    }),
    introspection_endpoint_auth_methods_supported: texts,
    jwks_uri: url.meta({
      description: "Of short signed verdicts alone: what is issued is a macaroon, which platforms ask about.",
    }),
    response_types_supported: texts,
    response_modes_supported: texts,
    grant_types_supported: texts,
    authorization_grant_profiles_supported: texts.meta({
      description: "Assertions about people that the jwt-bearer grant takes.",
    }),
    code_challenge_methods_supported: texts,
    token_endpoint_auth_methods_supported: z.array(authMethod),
    token_endpoint_auth_signing_alg_values_supported: texts,
    revocation_endpoint_auth_methods_supported: z.array(authMethod),
    revocation_endpoint_auth_signing_alg_values_supported: texts,
    client_id_metadata_document_supported: z.boolean(),
    authorization_response_iss_parameter_supported: z.boolean(),
    scopes_supported: texts.meta({ description: "Empty: scopes stand in each resource's own metadata." }),
    subject_types_supported: texts,
    id_token_signing_alg_values_supported: texts.meta({ description: "Empty: no ID tokens are issued." }),
    service_documentation: url,
    bakehouse_login: z.strictObject({ issuer: z.string(), client_id: z.string() }).optional(),
  })
  .meta({ id: "AuthorizationServer" });

type Metadata = z.infer<typeof metadataSchema>;

/** Only served features are named. Members that stock clients' schemas demand are there even if a list is empty. */
function metadataOf(origin: string, login: HttpContext["commandLineLogin"]): Metadata {
  return {
    issuer: origin,
    authorization_endpoint: `${origin}${authorize.path}`,
    token_endpoint: `${origin}${oauthToken.path}`,
    revocation_endpoint: `${origin}${oauthRevoke.path}`,
    device_authorization_endpoint: `${origin}${deviceAuthorization.path}`,
    introspection_endpoint: `${origin}${oauthIntrospect.path}`,
    introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    jwks_uri: `${origin}${jwks.path}`,
    response_types_supported: ["code"],
    response_modes_supported: ["query"],
    grant_types_supported: [...GRANT_TYPES],
    authorization_grant_profiles_supported: ["urn:ietf:params:oauth:grant-profile:id-jag"],
    code_challenge_methods_supported: ["S256"],
    token_endpoint_auth_methods_supported: [...METHODS],
    token_endpoint_auth_signing_alg_values_supported: [...SIGNATURE_ALGORITHMS],
    revocation_endpoint_auth_methods_supported: [...METHODS],
    revocation_endpoint_auth_signing_alg_values_supported: [...SIGNATURE_ALGORITHMS],
    client_id_metadata_document_supported: true,
    authorization_response_iss_parameter_supported: true,
    scopes_supported: [],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: [],
    service_documentation: `${origin}/docs`,
    ...(login && { bakehouse_login: { issuer: login.issuer, client_id: login.clientId } }),
  };
}

/** The common parts of both places: clients differ in which one they ask first. */
const METADATA = {
  method: "GET",
  tag: "Service",
  summary: "What the service tells anyone of itself",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "The metadata.",
      schema: metadataSchema,
      example: metadataOf("https://bakehouse.example", {
        issuer: "https://login.example.com",
        clientId: "bakehouse-cli",
      }),
    },
  },
} as const;

/** `GET /.well-known/oauth-authorization-server` */
export const authorizationServer = defineRoute({
  ...METADATA,
  path: METADATA_PATH,
  operationId: "authorizationServer",
  description:
    "RFC 8414. `bakehouse_login` says where people log in who use the command line: an OpenID Connect issuer, and the public client id there. Absent where none is configured.",
  handler: ({ context }) => json(200, metadataOf(context.publicUrl.origin, context.commandLineLogin)),
});

/** `GET /.well-known/openid-configuration` */
export const openidConfiguration = defineRoute({
  ...METADATA,
  path: OPENID_PATH,
  operationId: "openidConfiguration",
  description:
    "The same, for clients that look here first. This service is no OpenID provider: people sign in at their own, and no ID token comes out.",
  handler: ({ context }) => json(200, metadataOf(context.publicUrl.origin, context.commandLineLogin)),
});

/** `GET /.well-known/oauth-protected-resource` */
export const protectedResource = defineRoute({
  method: "GET",
  path: PROTECTED_RESOURCE_PATH,
  operationId: "protectedResource",
  tag: "Service",
  summary: "How to call this API (RFC 9728)",
  description:
    "This API takes ID tokens of the issuer that it names here, where one has a client id for programs, and credentials of its own that administrators issue.",
  auth: "none",
  kind: "probe",
  responses: {
    200: {
      description: "The metadata.",
      schema: z
        .strictObject({
          resource: url,
          resource_name: z.string(),
          authorization_servers: texts,
          bearer_methods_supported: texts,
          resource_documentation: url,
        })
        .meta({ id: "ProtectedResource" }),
      example: {
        resource: "https://bakehouse.example",
        resource_name: "Bakehouse",
        authorization_servers: ["https://login.example.com"],
        bearer_methods_supported: ["header"],
        resource_documentation: "https://bakehouse.example/docs",
      },
    },
  },
  handler({ context: { publicUrl, commandLineLogin } }) {
    return json(200, {
      resource: publicUrl.origin,
      resource_name: "Bakehouse",
      authorization_servers: commandLineLogin === undefined ? [] : [commandLineLogin.issuer],
      bearer_methods_supported: ["header"],
      resource_documentation: `${publicUrl.origin}/docs`,
    });
  },
});

import { z } from "zod";

import type { Caller } from "../../domain/caller.ts";
import type { Introspection } from "../../domain/introspection-service.ts";
import { readBasic } from "../../domain/parts/basic-credentials.ts";
import { DomainError } from "../../domain/parts/error.ts";
import { payerOf } from "../../domain/payer.ts";
import { BEARER } from "../../words/http.ts";
import { MAX_CREDENTIAL } from "../parts/authorization.ts";
import { json } from "../parts/reply.ts";
import type { Exchange, HttpContext } from "../request/context.ts";
import { anyTextOf, OAUTH_FORM, type Parameters, readForm, textOf } from "../request/form.ts";
import { defineRoute } from "../request/route.ts";
import { principalSchema, principalWire } from "../wire/principal.ts";
import { revocationId } from "../wire/text.ts";

const answer = z
  .strictObject({
    active: z.boolean().meta({ description: "If false, nothing else is said." }),
    iss: z.url().optional().meta({ description: "This service." }),
    sub: z.string().optional().meta({ description: "The principal's id." }),
    aud: z.string().optional().meta({ description: "The resource that asks, if the token names resources." }),
    client_id: z
      .string()
      .optional()
      .meta({ description: "The client that it was issued to, if that was proven." }),
    scope: z.string().optional().meta({
      description: "What every `scope` caveat allows, with spaces between; absent if there is none.",
    }),
    exp: z.int().optional().meta({ description: "Unix seconds, rounded down." }),
    iat: z.int().optional().meta({ description: "Unix seconds." }),
    jti: z.string().optional().meta({ description: "The token id." }),
    token_type: z.literal("Bearer").optional(),
    principal: principalSchema.optional(),
    agents: z.array(z.string()).optional().meta({ description: "A trail of claims, never of facts." }),
    revocation_ids: z
      .array(revocationId)
      .optional()
      .meta({ description: "From the root to the presented link." }),
  })
  .meta({ id: "Introspection", description: "RFC 7662 §2.2." });

function unauthenticated(why: string): DomainError {
  return new DomainError("unauthenticated", why);
}

/** The credential of the resource that asks: shown in one way, and one alone (RFC 6749 §2.3). */
function credentialOf(header: string | null, form: Parameters): string {
  const posted = form.has("client_secret") ? (textOf(form, "client_secret") ?? "") : undefined;
  if (header === null) {
    if (posted === undefined || posted === "")
      throw unauthenticated("this needs the credential of a platform");
    return posted;
  }
  if (posted !== undefined) {
    throw new DomainError(
      "invalid_request",
      "the client authenticates in one way, not in two",
      "client_secret",
    );
  }
  if (header.length > 2 * MAX_CREDENTIAL) throw unauthenticated("credential is too large");
  const bearer = BEARER.exec(header)?.[1];
  if (bearer !== undefined) return bearer;
  const secret = readBasic(header)?.secret ?? "";
  if (secret !== "") return secret;
  throw unauthenticated("Authorization must be Bearer, or Basic with a client id and a credential");
}

async function callerOf(context: HttpContext, exchange: Exchange, credential: string): Promise<Caller> {
  const { seen, method, path, peer, ip } = exchange;
  seen.credential = "bearer";
  if (credential.length > MAX_CREDENTIAL) throw unauthenticated("credential is too large");
  if (!BEARER.test(`Bearer ${credential}`)) throw unauthenticated("that is no credential of this service");
  // A credential can be narrowed to addresses, and whoever has hung up has none that could be checked.
  if (peer === undefined) throw new DomainError("unavailable", "the peer's address is not known");
  const caller = await context.service.authentication.bearer(credential, { method, path, ip });
  seen.caller = caller.kind === "human" ? "human" : caller.role;
  seen.payer = payerOf(caller);
  return caller;
}

function wireOf(said: Introspection, issuer: string): z.infer<typeof answer> {
  if (!said.active) return { active: false };
  const { resource, client, scopes } = said;
  return {
    active: true,
    iss: issuer,
    sub: said.principal.id,
    ...(resource !== undefined && { aud: resource }),
    ...(client !== undefined && { client_id: client }),
    ...(scopes !== undefined && { scope: scopes.join(" ") }),
    // Never later than the token's end.
    exp: Math.floor(said.expiresAt / 1000),
    iat: Math.floor(said.issuedAt / 1000),
    jti: said.tokenId,
    token_type: "Bearer",
    principal: principalWire(said.principal),
    agents: [...said.agents],
    revocation_ids: [...said.revocationIds],
  };
}

/** `POST /oauth/introspect` */
export const oauthIntrospect = defineRoute({
  method: "POST",
  path: "/oauth/introspect",
  operationId: "oauthIntrospect",
  tag: "Verify",
  summary: "Is this token good here? (RFC 7662)",
  description:
    "For resources that only know OAuth: with a platform's credential as `Bearer`, or as the secret of `client_secret_basic` or `client_secret_post` with any client id. It asks as the resource that the credential was issued for. Active is a token that verify would allow there for every call within the scopes that the answer names: one with a condition on arguments, a budget, a holder's key or a missing discharge is inactive, because the answer could not carry it; ask `/v1/verify` then. A token that is unknown, foreign, revoked or over is inactive, too, and nothing else is said of it. 503 where it cannot be known.",
  auth: "none",
  kind: "protocol",
  form: {
    schema: z.object({
      token: z.string().meta({ description: "The macaroon, or a bundle of it and its discharges." }),
      token_type_hint: z.string().optional().meta({ description: "Ignored: there is one type." }),
      client_id: z.string().optional().meta({ description: "Any." }),
      client_secret: z
        .string()
        .optional()
        .meta({ description: "The credential, if it stands in no `Authorization` header." }),
    }),
    example: { token: "AgEWaHR0cDovLzEyNy4wLjAuMTo4MDgw" },
  },
  responses: {
    200: {
      description: "The answer.",
      schema: answer,
      example: {
        active: true,
        iss: "https://bakehouse.example",
        sub: "pW3kD0q9xYb2LmNa",
        aud: "https://mcp.example.com/mcp",
        client_id: "https://app.example/client.json",
        scope: "files:read",
        exp: 1_795_357_200,
        iat: 1_795_353_600,
        jti: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
        token_type: "Bearer",
        principal: { id: "pW3kD0q9xYb2LmNa", issuer: "https://login.example.com", subject: "248289761001" },
        agents: [],
        revocation_ids: ["q83vEjRWeJCrze8SNFZ4kA"],
      },
    },
  },
  problems: [
    "invalid_request",
    "unauthenticated",
    "forbidden",
    "not_found",
    "payload_too_large",
    "unsupported_media_type",
    "rate_limited",
    "unavailable",
  ],
  async handler({ context, service, exchange }) {
    const form = await readForm(exchange.request, OAUTH_FORM);
    const credential = credentialOf(exchange.request.headers.get("authorization"), form);
    const caller = await callerOf(context, exchange, credential);
    const token = anyTextOf(form, "token");
    if (token === undefined || token === "") {
      throw new DomainError("invalid_request", "token is required", "token");
    }
    const said = await service.introspection.introspect(caller, token);
    const reply = json(200, wireOf(said, context.publicUrl.origin));
    return { ...reply, headers: { ...reply.headers, "cache-control": "no-store" } };
  },
});

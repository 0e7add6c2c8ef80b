import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
import { REFRESH_TOKEN } from "../../words/ids.ts";
import { askerOf } from "../request/context.ts";
import { anyTextOf, OAUTH_FORM, readForm } from "../request/form.ts";
import { defineRoute } from "../request/route.ts";

/** `POST /oauth/revoke` */
export const oauthRevoke = defineRoute({
  method: "POST",
  path: "/oauth/revoke",
  operationId: "oauthRevoke",
  tag: "Revocations",
  summary: "Revoke a token that one holds (RFC 7009)",
  description:
    "For OAuth clients and secret scanners: whoever holds a macaroon may revoke that link and everything below it, and nothing else. No client authentication is asked for there, and one that is sent is ignored. A refresh token is revoked by its client, which authenticates as at the token endpoint, with all that its session gave. As RFC 7009 wants it, a token that is unknown, foreign or expired is answered 200 too: there is nothing left to do.",
  auth: "none",
  kind: "protocol",
  form: {
    schema: z.object({
      token: z
        .string()
        .meta({ description: "The macaroon, or a bundle that begins with it; or a refresh token." }),
      token_type_hint: z
        .string()
        .optional()
        .meta({ description: "Ignored: one type is told from the other." }),
    }),
    example: { token: "AgEWaHR0cDovLzEyNy4wLjAuMTo4MDgw" },
  },
  responses: { 200: { description: "Revoked, or not a good token of this service." } },
  problems: ["invalid_request", "unauthenticated", "rate_limited", "unavailable"],
  async handler({ service, exchange }) {
    const form = await readForm(exchange.request, OAUTH_FORM);
    const token = anyTextOf(form, "token");
    if (token === undefined || token === "") {
      throw new DomainError("invalid_request", "token is required", "token");
    }
    if (REFRESH_TOKEN.test(token)) {
      await service.oauth.revoke({
        parameters: [...form.keys()].map((name) => [name, anyTextOf(form, name) ?? ""] as const),
        authorization: exchange.request.headers.get("authorization") ?? undefined,
        from: askerOf(exchange),
      });
      return DONE;
    }
    try {
      const targets = [{ kind: "token", token } as const];
      await service.revocations.revoke(undefined, { targets, reason: undefined });
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "not_found") throw error;
    }
    return DONE;
  },
});

const DONE = { status: 200, body: null, headers: {} } as const;

import { z } from "zod";

import { DomainError } from "../../domain/parts/error.ts";
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
    "For OAuth clients and secret scanners: whoever holds a macaroon may revoke that link and everything below it, and nothing else. No client authentication is asked for, and one that is sent is ignored. As RFC 7009 wants it, a token that is unknown, foreign or expired is answered 200 too: there is nothing left to do. Errors are problem documents.",
  auth: "none",
  form: {
    schema: z.object({
      token: z.string().meta({ description: "The macaroon, or a bundle that begins with it." }),
      token_type_hint: z.string().optional().meta({ description: "Ignored: there is one type." }),
    }),
    example: { token: "AgEWaHR0cDovLzEyNy4wLjAuMTo4MDgw" },
  },
  responses: { 200: { description: "Revoked, or not a good token of this service." } },
  problems: ["rate_limited", "unavailable"],
  async handler({ service, exchange }) {
    const token = anyTextOf(await readForm(exchange.request, OAUTH_FORM), "token");
    if (token === undefined || token === "") {
      throw new DomainError("invalid_request", "token is required", "token");
    }
    try {
      const targets = [{ kind: "token", token } as const];
      await service.revocations.revoke(undefined, { targets, reason: undefined });
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== "not_found") throw error;
    }
    return { status: 200, body: null, headers: {} };
  },
});

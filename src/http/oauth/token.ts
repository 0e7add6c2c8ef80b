import { z } from "zod";

import { defineRoute } from "../request/route.ts";
import { readClientRequest, secretAnswer } from "./client-request.ts";

const text = z.string();

/** The grants that are served (RFC 6749, RFC 7523, RFC 8628, RFC 8693). */
export const GRANT_TYPES = [
  "authorization_code",
  "refresh_token",
  "urn:ietf:params:oauth:grant-type:jwt-bearer",
  "urn:ietf:params:oauth:grant-type:device_code",
  "urn:ietf:params:oauth:grant-type:token-exchange",
] as const;

/** `POST /oauth/token` */
export const oauthToken = defineRoute({
  method: "POST",
  path: "/oauth/token",
  operationId: "oauthToken",
  tag: "OAuth",
  summary: "Redeem a grant",
  description:
    "RFC 6749 §3.2. What comes out is a macaroon, bound to one resource (`aud`) and to scopes. A code is good once, for a minute; a second use revokes what the first gave. A refresh token is replaced with each use: the answer is given again for ten seconds to a client that lost it, and after that a second use revokes the whole session. An assertion (RFC 7523) is of an issuer that is trusted with its kind, for this service alone (`aud`), and gives a token under the platform's policy: one of a job or service needs no client, may be shown again until its `exp`, and gives nothing that lives longer; one that lets a client act for a person (an ID-JAG) is its authenticated client's, once. A device (RFC 8628) asks here for its answer: until the person has given one the error is `authorization_pending`, or `slow_down` if it asks too often, then `access_denied` or `expired_token`; a device code is good for one answer, and a second use revokes what the first gave. An exchange (RFC 8693) needs no client: an ID token of a person gives a root under the platform's policy, for one resource; a macaroon, alone, gives the same macaroon with caveats appended, `aud` and the resource's own for `resource` (or `audience`), `scope in` for `scope`, `time <` for `expires_in`, and `agent` for the `sub` of an `actor_token`, an assertion of a job or service, with that assertion's end: same token id, same chain, never a longer life. A client that authenticates may exchange a macaroon for a short signed verdict (RFC 8693, RFC 9068): a JWT of five minutes at most, never beyond the token, that says what introspection would, for a gateway that knows only `jwks_uri`. **A revocation does not reach such a JWT that is out already.** A client authenticates in the one way that it registered: not at all (`none`), `client_secret_basic`, `client_secret_post` or `private_key_jwt`. Errors carry `error` and `error_description` beside the problem's members.",
  auth: "none",
  kind: "protocol",
  form: {
    schema: z.object({
      grant_type: z.enum(GRANT_TYPES),
      code: text.optional(),
      code_verifier: text.optional().meta({ description: "PKCE (RFC 7636): always needed with a code." }),
      redirect_uri: text.optional().meta({ description: "The one that the code was asked with." }),
      refresh_token: text.optional(),
      scope: text.optional().meta({ description: "Fewer scopes than were granted." }),
      device_code: text.optional(),
      assertion: text.optional().meta({ description: "Of the jwt-bearer grant: a signed JWT." }),
      subject_token: text.optional().meta({ description: "Of an exchange: an ID token, or a macaroon." }),
      subject_token_type: text.optional().meta({
        description: "`urn:ietf:params:oauth:token-type:id_token`, or `…:access_token` for a macaroon.",
      }),
      actor_token: text.optional().meta({ description: "Says who holds the macaroon next." }),
      actor_token_type: text.optional().meta({ description: "`urn:ietf:params:oauth:token-type:jwt`." }),
      requested_token_type: text.optional().meta({
        description:
          "`urn:ietf:params:oauth:token-type:access_token`, as if it were left out; or `…:jwt`, for a short signed verdict.",
      }),
      audience: text.optional().meta({ description: "Of an exchange: another word for `resource`." }),
      expires_in: text
        .optional()
        .meta({ description: "Of an exchange of a macaroon: seconds that it is to live at most." }),
      resource: text.optional().meta({
        description: "The one that was granted (RFC 8707), or that the token is to be for.",
      }),
      client_id: text.optional(),
      client_secret: text.optional(),
      client_assertion_type: text.optional(),
      client_assertion: text.optional(),
    }),
    example: {
      grant_type: "authorization_code",
      code: "J5Xk2bN0qW8vT3rY6uI9oP1aS4dF7gH0jK3lZ6xC9vB2nM5qW8eR1tY4uI7",
      code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      redirect_uri: "https://app.example/cb",
      client_id: "https://app.example/client.json",
    },
  },
  responses: {
    200: {
      description: "The token.",
      schema: z
        .strictObject({
          access_token: text.meta({ description: "A macaroon, or the JWT that was asked for." }),
          issued_token_type: text.optional().meta({ description: "Of an exchange (RFC 8693)." }),
          token_type: z.literal("Bearer"),
          expires_in: z.int().meta({ description: "Seconds." }),
          refresh_token: text.optional().meta({ description: "Where the platform's policy allows it." }),
          scope: text.optional(),
        })
        .meta({ id: "TokenAnswer" }),
      example: {
        access_token: "AgEWaHR0cDovLzEyNy4wLjAuMTo4MDgw",
        token_type: "Bearer",
        expires_in: 3600,
        scope: "files:read",
      },
      headers: { "Cache-Control": "`no-store`." },
    },
  },
  problems: ["invalid_request", "unauthenticated", "rate_limited", "unavailable"],
  async handler({ service, exchange }) {
    const answer = await service.oauth.token(await readClientRequest(exchange));
    return secretAnswer(answer);
  },
});

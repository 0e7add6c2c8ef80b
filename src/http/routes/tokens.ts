import { z } from "zod";
import { DomainError } from "../../domain/parts/error.ts";
import { requireHumanOrPlatform } from "../../domain/permission.ts";
import { LIMITS } from "../../macaroon/index.ts";
import { IDEMPOTENCY_KEY } from "../../words/http.ts";
import { UUID } from "../../words/ids.ts";
import { json } from "../parts/reply.ts";
import { jsonBody } from "../request/json-body.ts";
import { defineRoute } from "../request/route.ts";
import { cursors, pageOf, pageParameters } from "../wire/page.ts";
import { caveats, lineOfText, platformName, tokenId } from "../wire/text.ts";
import {
  issuedTokenSchema,
  issuedTokenWire,
  renewedTokenSchema,
  tokenDetailsSchema,
  tokenDetailsWire,
  tokenViewSchema,
  tokenViewWire,
} from "../wire/token.ts";

const issueSchema = z
  .strictObject({
    platform: platformName,
    ttl: z.int().min(1).optional().meta({
      description: "Seconds; 3600 by default. More than policy allows is refused, never shortened.",
    }),
    caveats: caveats.optional().meta({ description: "Added after those of the policy." }),
    third_party_caveats: z
      .array(
        z.strictObject({
          location: lineOfText(2048).meta({ description: "Where the discharge is to be had." }),
          condition: z.string().min(1).max(LIMITS.caveatBytes).meta({
            description:
              "What the third party is to find out. For this service, `approved-by` takes verified e-mails here: the ticket then holds the one subject that was seen with it.",
          }),
          public_key: z
            .string()
            .regex(/^[A-Za-z0-9+/_-]{43}=?$/, "must be base64 of 32 bytes")
            .optional()
            .meta({
              description:
                "The third party's Curve25519 key, base64. Needed for any location but this service's own: the service never fetches a location that a caller names.",
            }),
        }),
      )
      .max(32)
      .optional(),
    label: lineOfText(200).optional().meta({ description: "For people. Not in the token." }),
    on_behalf_of: z
      .strictObject({
        issuer: lineOfText(1024).optional().meta({ description: "Left out: the service's own." }),
        subject: lineOfText(255),
      })
      .optional()
      .meta({
        description:
          "Whom a platform issues for. The principal is marked `asserted_by: platform` wherever it appears, and policy decides whether the platform may.",
      }),
  })
  .meta({ id: "IssueRequest", description: "What root macaroon is asked for." });

const idempotencyKey = z
  .string()
  .regex(/^[ -~]{1,255}$/, "must be 1 to 255 printable ASCII characters")
  .meta({
    description:
      "A repeat under the same key answers the same token, for 24 hours. Scoped to the caller and this route.",
    examples: ["2f9c1d0e-issue-1"],
  });

const issuedExample = {
  token: "AgEVaHR0cDovLzEyNy4wLjAuMTo4MDgwAl9iaDEu",
  token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081",
  revocation_id: "q83vEjRWeJCrze8SNFZ4kA",
  platform: "default",
  principal: { id: "pW3kD0q9xYb2LmNa", issuer: "https://login.example.com", subject: "248289761001" },
  issued_at: "2026-11-22T13:00:00.000Z",
  expires_at: "2026-11-22T14:00:00.000Z",
  caveats: ["time < 2026-11-22T14:00:00.000Z", "action in read, list"],
  summary: "Until 14:00 UTC, read or list.",
  summary_parts: [{ by: "issued", text: "Until 14:00 UTC, read or list." }],
};

const { token: _token, ...facts } = issuedExample;
const viewExample = { ...facts, key_id: "Zk3vQm2xT9aBcDeF", label: "for the demo", status: "active" };

const list = cursors("tokens", UUID);

/** `POST /v1/tokens` */
export const issueToken = defineRoute({
  method: "POST",
  path: "/v1/tokens",
  operationId: "issueToken",
  tag: "Tokens",
  summary: "Issue a root macaroon",
  description:
    "For a human, by their ID token or session, or for a platform with `on_behalf_of`. The platform's policy decides whether, for how long, and with which caveats. Once a person's tokens were revoked, a login from before is 401: they have to log in again.",
  auth: "caller",
  authorize: (caller) => requireHumanOrPlatform(caller, "issue"),
  headers: [{ name: IDEMPOTENCY_KEY, schema: idempotencyKey }],
  body: jsonBody(issueSchema, { platform: "default", ttl: 3600, caveats: ["action in read, list"] }),
  responses: {
    201: { description: "Issued.", schema: issuedTokenSchema, example: issuedExample },
  },
  problems: ["not_found", "unprocessable", "ttl_too_long", "idempotency_mismatch", "idempotency_in_flight"],
  async handler({ service, caller, body, bytes, exchange }) {
    const key = readIdempotencyKey(exchange.request.headers.get(IDEMPOTENCY_KEY));
    const issued = await service.tokens.issue(
      caller,
      {
        platform: body.platform,
        ttl: body.ttl,
        caveats: body.caveats ?? [],
        thirdPartyCaveats: (body.third_party_caveats ?? []).map((read) => ({
          location: read.location,
          condition: read.condition,
          publicKey: read.public_key,
        })),
        label: body.label,
        onBehalfOf: body.on_behalf_of && {
          issuer: body.on_behalf_of.issuer,
          subject: body.on_behalf_of.subject,
        },
      },
      key === undefined ? undefined : { key, route: "POST /v1/tokens", body: bytes },
    );
    return json(201, issuedTokenWire(issued));
  },
});

function readIdempotencyKey(header: string | null): string | undefined {
  if (header === null || idempotencyKey.safeParse(header).success) return header ?? undefined;
  const rule = `${IDEMPOTENCY_KEY} must be 1 to 255 printable ASCII characters`;
  throw new DomainError("invalid_request", rule, IDEMPOTENCY_KEY);
}

const renewSchema = z
  .strictObject({
    token: z.string().min(1).meta({
      description: "The root macaroon as it was issued: no caveat appended, no discharge beside it.",
    }),
    ttl: z.int().min(1).optional().meta({
      description:
        "Seconds; 3600 by default, or as long as the session lasts. More than policy allows is refused, never shortened.",
    }),
    caveats: caveats.optional().meta({ description: "Added behind those that the token has." }),
  })
  .meta({ id: "RenewRequest", description: "The token that is to be renewed." });

/** `POST /v1/tokens/{id}/renew` */
export const renewToken = defineRoute({
  method: "POST",
  path: "/v1/tokens/{id}/renew",
  operationId: "renewToken",
  tag: "Tokens",
  summary: "Renew a root macaroon by showing it",
  description:
    "For runs that last longer than a token. Showing the token as it was issued is the only credential; a narrower one, another one, or one that is good no more is 404. The successor is for the same principal, with the same caveats and those that are asked for; what was narrowed from the token before stays as it is. The platform's policy is asked anew, by what the issuer said when the first of the line was issued, and none ends later than the rule's `session` after that. Once something was revoked that ends the person's logins from then, it is 401. A token with a budget or a third party's caveat is 422.",
  auth: "none",
  params: z.strictObject({ id: tokenId }),
  headers: [{ name: IDEMPOTENCY_KEY, schema: idempotencyKey }],
  body: jsonBody(renewSchema, { token: "AgEVaHR0cDovLzEyNy4wLjAuMTo4MDgwAl9iaDEu", ttl: 3600 }),
  responses: {
    201: {
      description: "Issued.",
      schema: renewedTokenSchema,
      example: { ...issuedExample, predecessor: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7080" },
    },
  },
  problems: [
    "unauthenticated",
    "forbidden",
    "not_found",
    "unprocessable",
    "ttl_too_long",
    "idempotency_mismatch",
    "idempotency_in_flight",
  ],
  async handler({ service, params: { id }, body, bytes, exchange }) {
    const key = readIdempotencyKey(exchange.request.headers.get(IDEMPOTENCY_KEY));
    const renewed = await service.renewals.renew(
      id,
      { token: body.token, ttl: body.ttl, caveats: body.caveats ?? [] },
      key === undefined ? undefined : { key, route: "POST /v1/tokens/{id}/renew", body: bytes },
    );
    return json(201, { ...issuedTokenWire(renewed), predecessor: renewed.predecessor });
  },
});

/** `GET /v1/tokens` */
export const listTokens = defineRoute({
  method: "GET",
  path: "/v1/tokens",
  operationId: "listTokens",
  tag: "Tokens",
  summary: "List issued tokens",
  description:
    "Newest first: a human's own, a platform's, or for an administrator all. With `platform=bakehouse` a platform sees its own credentials; it revokes one by `token_id` or `revocation_id`.",
  auth: "caller",
  query: z.strictObject({
    platform: platformName.optional(),
    ...pageParameters,
  }),
  responses: {
    200: {
      description: "A page of tokens.",
      schema: pageOf(tokenViewSchema),
      example: { items: [viewExample], next_cursor: "dG9rZW5zOjAxOWE4YjNj" },
    },
  },
  problems: ["not_found"],
  async handler({ context, service, caller, query }) {
    const page = await service.tokens.list(caller, query.platform, list.request(query));
    return list.answer(page, context, tokenViewWire);
  },
});

/** `GET /v1/tokens/{id}` */
export const getToken = defineRoute({
  method: "GET",
  path: "/v1/tokens/{id}",
  operationId: "getToken",
  tag: "Tokens",
  summary: "Show one issued token",
  description: "What was issued, never the token itself. Foreign and unknown ids look the same.",
  auth: "caller",
  params: z.strictObject({ id: tokenId }),
  responses: {
    200: {
      description: "The token's record.",
      schema: tokenDetailsSchema,
      example: { ...viewExample, revoked_below: [] },
    },
  },
  problems: ["not_found"],
  async handler({ service, caller, params }) {
    return json(200, tokenDetailsWire(await service.tokens.get(caller, params.id)));
  },
});

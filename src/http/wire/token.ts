import { z } from "zod";
import type { IssuedToken, TokenDetails, TokenView } from "../../domain/service.ts";
import { REVOKED_BY, TOKEN_STATES } from "../../words/states.ts";
import { principalSchema, principalWire } from "./principal.ts";
import { summaryPartsSchema, summaryPartsWire } from "./summary.ts";
import { instant, opaqueId, platformName, printInstant, revocationId, tokenId } from "./text.ts";

const facts = {
  token_id: tokenId,
  revocation_id: revocationId,
  platform: platformName,
  principal: principalSchema,
  issued_at: instant,
  expires_at: instant,
  caveats: z
    .array(z.string())
    .meta({ description: "In chain order. A third-party caveat reads `third-party LOCATION`." }),
  summary: z.string().meta({ description: "What the token allows, in sentences made from its caveats." }),
  summary_parts: summaryPartsSchema,
  warnings: z.array(z.string()).optional().meta({
    description:
      "What can never pass, and what was probably not meant as it is written, in sentences. Absent where there is none.",
  }),
};

/** The answer to issuing. */
export const issuedTokenSchema = z
  .strictObject({
    token: z
      .string()
      .meta({ description: "The macaroon, base64url. A secret: whoever holds it has its power." }),
    ...facts,
  })
  .meta({ id: "IssuedToken", description: "A root macaroon and what it says. Only this answer holds it." });

const predecessor = tokenId.meta({ description: "Token id of the token that it renews." });

/** The answer to renewing. */
export const renewedTokenSchema = issuedTokenSchema
  .extend({ predecessor })
  .meta({ id: "RenewedToken", description: "A root macaroon that renews another one." });

/** A token as it is listed. */
export const tokenViewSchema = z
  .strictObject({
    ...facts,
    key_id: opaqueId.meta({ description: "The root key that signed it." }),
    label: z.string().optional(),
    issued_by: opaqueId
      .optional()
      .meta({ description: "Token id of the credential that asked for it. Absent where the principal did." }),
    status: z.enum(TOKEN_STATES),
  })
  .meta({ id: "Token", description: "The record of an issued token: everything but the token." });

const by = z.enum(REVOKED_BY);

/** One token, with its dead branches. */
export const tokenDetailsSchema = tokenViewSchema
  .extend({
    predecessor: predecessor.optional(),
    renewable_until: instant.optional().meta({
      description: "Until when it, and what renews it, can be renewed. Absent where it cannot be.",
    }),
    revoked_below: z
      .array(
        z.union([
          z.strictObject({
            revocation_id: revocationId,
            revoked_at: instant,
            by,
            reason: z.string().optional(),
          }),
          z.strictObject({ agent: z.string(), revoked_at: instant, by, reason: z.string().optional() }),
        ]),
      )
      .meta({
        description:
          "Parts of its tree that were revoked, newest first, a hundred at most: links whose token was shown, and agents of this tree. A link that was revoked by its id alone is not among them. A reason is there where the caller's own side wrote it, or its author made it public.",
      }),
  })
  .meta({ id: "TokenDetails", description: "The record of an issued token, and of what is dead below it." });

/** Writes one token with its dead branches. */
export function tokenDetailsWire(details: TokenDetails): z.infer<typeof tokenDetailsSchema> {
  return {
    ...tokenViewWire(details),
    ...(details.predecessor === undefined ? {} : { predecessor: details.predecessor }),
    ...(details.renewableUntil === undefined
      ? {}
      : { renewable_until: printInstant(details.renewableUntil) }),
    revoked_below: details.revokedBelow.map(({ target, revokedAt, by, reason }) => ({
      ...(target.kind === "agent" ? { agent: target.agent } : { revocation_id: target.revocationId }),
      revoked_at: printInstant(revokedAt),
      by,
      ...(reason === null ? {} : { reason }),
    })),
  };
}

/** Writes an issued token, the token itself included. */
export function issuedTokenWire(issued: IssuedToken): z.infer<typeof issuedTokenSchema> {
  return { token: issued.token, ...factsWire(issued) };
}

/** Writes the record of a token. */
export function tokenViewWire(view: TokenView): z.infer<typeof tokenViewSchema> {
  return {
    ...factsWire(view),
    key_id: view.keyId,
    ...(view.label === null ? {} : { label: view.label }),
    ...(view.issuedBy === null ? {} : { issued_by: view.issuedBy }),
    status: view.status,
  };
}

function factsWire(token: Omit<IssuedToken, "token">) {
  return {
    token_id: token.tokenId,
    revocation_id: token.revocationId,
    platform: token.platform,
    principal: principalWire(token.principal),
    issued_at: printInstant(token.issuedAt),
    expires_at: printInstant(token.expiresAt),
    caveats: [...token.caveats],
    summary: token.summary,
    summary_parts: summaryPartsWire(token.summaryParts),
    ...(token.warnings.length === 0 ? {} : { warnings: [...token.warnings] }),
  };
}

import { z } from "zod";
import type { IssuedToken, TokenView } from "../../domain/service.ts";
import { TOKEN_STATES } from "../../words/states.ts";
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

import { z } from "zod";
import type { BudgetView } from "../../domain/budget-view.ts";
import type { RevocationFacts } from "../../domain/revocation-facts.ts";
import type { Verdict } from "../../domain/service.ts";
import { LIMITS } from "../../macaroon/index.ts";
import { REFUSAL_CODES, type RefusalCode } from "../../words/refusal-codes.ts";
import { PLACES, REVOKED_BY } from "../../words/states.ts";
import { principalSchema, principalWire } from "./principal.ts";
import { revokedTarget, targetWire } from "./revocation.ts";
import { summaryPartsSchema, summaryPartsWire } from "./summary.ts";
import { instant, opaqueId, platformName, printInstant, revocationId, sequence, tokenId } from "./text.ts";

const MEANING: Readonly<Record<RefusalCode, string>> = {
  malformed: "The text is no macaroon, or no bundle of a macaroon and its discharges.",
  too_large: `The token is over a limit: ${LIMITS.bundleBytes / 1024} KiB, ${LIMITS.caveats} caveats, ${LIMITS.caveatBytes / 1024} KiB a caveat, ${LIMITS.discharges} discharges, nested ${LIMITS.depth} deep.`,
  unknown_key: "Its root key is not known to the asking platform: another platform's token looks the same.",
  bad_signature: "It was not made from its root key, or was altered. Nothing else is said then.",
  revoked: "A link of its chain, the whole token, or more, has been revoked.",
  expired: "A `time <` caveat lies in the past.",
  discharge_invalid: "A discharge is wrong, not bound to this token, used twice, or left over.",
  depth_exceeded: "It was handed on more often than a `depth` caveat allows.",
  holder_proof_required: "A `holder` caveat asks for a proof or an endorsement of its key and there is none.",
  holder_proof_invalid:
    "The proof does not satisfy a `holder` caveat, or was used before; or no endorsement does.",
  caveat_unknown: "A caveat cannot be parsed or is none that this service knows: unknown means no.",
  caveat_failed: "The context does not satisfy a caveat.",
  discharge_missing: "A third-party caveat has no discharge; `undischarged` says which.",
  budget_exhausted: "A `uses`, `spend` or `rate` caveat has nothing left.",
};

const refusalCode = z.enum(REFUSAL_CODES).meta({
  id: "RefusalCode",
  description: `Why a token was refused: the first of these, in this order, that applies. Stable: added to, never renamed.\n\n${REFUSAL_CODES.map((code) => `- \`${code}\`: ${MEANING[code]}`).join("\n")}`,
});

const decimalText = z.string().meta({ description: "A decimal in plain notation." });

/** A budget and its rest, as answers write it. */
export const budgetSchema = z
  .strictObject({
    caveat: z.string(),
    revocation_id: revocationId.meta({ description: "Of the link under which it is counted." }),
    agent: z
      .string()
      .nullable()
      .meta({ description: "The agent in whose span it stands; null before the first." }),
    limit: z.string().meta({ description: "What it allows: a decimal, or of a rate `N/WINDOW`." }),
    remaining: decimalText,
    discharge: z
      .int()
      .min(0)
      .optional()
      .meta({ description: "The place of the discharge that it stands in; absent in the root macaroon." }),
  })
  .meta({
    id: "Budget",
    description: "A counter under a link, on which every token at or below that link draws.",
  });

/** The answer for a token that does not forbid the call. */
export const allowedSchema = z
  .strictObject({
    allowed: z.literal(true),
    token_id: tokenId,
    key_id: opaqueId.meta({ description: "The root key that signed it." }),
    platform: platformName,
    principal: principalSchema,
    issued_at: instant,
    expires_at: instant.meta({ description: "The earliest `time <` on the chain." }),
    agents: z.array(z.string()).meta({
      description:
        "Names that delegators gave, from the root on: claims, for tracing. Never proof of who calls.",
    }),
    caveats: z.array(z.string()),
    summary: z.string().meta({ description: "What the token allows, in sentences made from its caveats." }),
    summary_parts: summaryPartsSchema,
    revocation_id: revocationId.meta({ description: "Of the presented macaroon: the chain's last link." }),
    revocation_ids: z.array(revocationId).meta({ description: "Of every link, root first, presented last." }),
    budgets: z
      .array(budgetSchema)
      .meta({ description: "Every budget of the chain and of its discharges, after this call was charged." }),
    repeated: z.literal(true).optional().meta({
      description:
        "The same question was charged before under its `charge_id`: the platform must not act on it a second time.",
    }),
    reservation: z
      .strictObject({ id: opaqueId, expires_at: instant })
      .optional()
      .meta({ description: "What `reserve` made: unsettled at its end, it stays charged." }),
    sequence,
  })
  .meta({
    id: "Allowed",
    description:
      "The token does not forbid the call. The platform still checks what the principal may do: a macaroon is a set of restrictions, not of rights.",
  });

/** The entry that killed a link. */
export const killingSchema = z.strictObject({
  target: revokedTarget.meta({ description: "As in the log." }),
  revocation_id: revocationId.meta({
    description: "The topmost dead link; where all of the token was meant, the one that was issued.",
  }),
  agent: z
    .string()
    .nullable()
    .meta({ description: "The last agent at or above that link; null before the first." }),
  depth: z.int().min(0).meta({ description: "Hand-overs at or above that link." }),
  revoked_at: instant,
  by: z.enum(REVOKED_BY),
  reason: z.string().optional().meta({ description: "There where the asker's own side wrote it." }),
});

/** The answer for a token that does. */
export const refusedSchema = z
  .strictObject({
    allowed: z.literal(false),
    code: refusalCode,
    detail: z.string().meta({ description: "The reason in a sentence." }),
    failures: z
      .array(
        z.strictObject({
          index: z.int().min(0).meta({ description: "The caveat's place in its macaroon, from 0." }),
          caveat: z.string(),
          agent: z
            .string()
            .nullable()
            .meta({ description: "The agent in whose span the caveat stands; null before the first." }),
          placed: z.enum(PLACES).meta({
            description:
              "Where it stands: among what the issuer wrote, behind it by the first holder, or since the hand-over to `agent`. Nobody can tell which side of a hand-over wrote it.",
          }),
          code: refusalCode,
          detail: z.string().meta({ description: "What was seen, and what would have passed." }),
          remaining: decimalText
            .optional()
            .meta({ description: "Of a budget that would not do: what is left of it." }),
          retry_after: z
            .int()
            .min(1)
            .optional()
            .meta({ description: "Of a `rate` that is full: seconds until it has room for one call more." }),
        }),
      )
      .meta({ description: "Every caveat that failed. Empty where the signature is wrong." }),
    undischarged: z
      .array(
        z.strictObject({
          location: z.string(),
          caveat_id: z.string().meta({ description: "The ticket, base64url." }),
        }),
      )
      .meta({ description: "Third-party caveats that no discharge came with." }),
    revocation: killingSchema.optional().meta({
      description:
        "Of a revoked token: which link, when, by which kind of author. Absent where that is not known at once.",
    }),
    sequence,
  })
  .meta({ id: "Refused", description: "The token forbids the call, or is no good." });

/** The same with `"answer":"decision"`. */
export const allowedDecisionSchema = allowedSchema
  .pick({
    allowed: true,
    token_id: true,
    principal: true,
    agents: true,
    expires_at: true,
    revocation_id: true,
    budgets: true,
    repeated: true,
    reservation: true,
    sequence: true,
  })
  .meta({ id: "AllowedDecision", description: 'The answer to a question with `"answer":"decision"`.' });

/** The same with `"answer":"decision"`. */
export const refusedDecisionSchema = refusedSchema
  .pick({ allowed: true, code: true, detail: true, sequence: true })
  .extend({
    undischarged: refusedSchema.shape.undischarged.optional().meta({
      description: "With `discharge_missing`: third-party caveats that no discharge came with.",
    }),
  })
  .meta({ id: "RefusedDecision", description: 'The answer to a question with `"answer":"decision"`.' });

const answers = [allowedSchema, refusedSchema, allowedDecisionSchema, refusedDecisionSchema] as const;

/** Every answer. */
export const verdictSchema = z.union(answers).meta({
  id: "Verdict",
  description:
    'Always 200 where an answer was reached, allowed or not. With `"answer":"decision"` it is one of the last two.',
});

/** Writes the entry that killed a link. */
export function killingWire({ target, revocationId, agent, depth, revokedAt, by, reason }: RevocationFacts) {
  return {
    target: targetWire(target),
    revocation_id: revocationId,
    agent,
    depth,
    revoked_at: printInstant(revokedAt),
    by,
    ...(reason === null ? {} : { reason }),
  };
}

/** Writes a budget and its rest. */
export function budgetWire({ caveat, revocationId, agent, limit, remaining, discharge }: BudgetView) {
  return {
    caveat,
    revocation_id: revocationId,
    agent,
    limit,
    remaining,
    ...(discharge !== undefined && { discharge }),
  };
}

/** Writes a verdict for those who asked for the decision alone. */
export function decisionWire(
  verdict: Verdict,
): z.infer<typeof allowedDecisionSchema> | z.infer<typeof refusedDecisionSchema> {
  if (!verdict.allowed) {
    const { code, detail, undischarged, sequence } = verdict;
    const missing = code === "discharge_missing" && { undischarged: undischarged.map(undischargedWire) };
    return { allowed: false, code, detail, ...missing, sequence };
  }
  const { tokenId, principal, agents, expiresAt, revocationId, budgets, sequence } = verdict;
  return {
    allowed: true,
    token_id: tokenId,
    principal: principalWire(principal),
    agents: agents as string[],
    expires_at: printInstant(expiresAt),
    revocation_id: revocationId,
    budgets: budgets.map(budgetWire),
    ...chargeWire(verdict),
    sequence,
  };
}

function undischargedWire({ location, caveatId }: { readonly location: string; readonly caveatId: string }) {
  return { location, caveat_id: caveatId };
}

/** What became of a charge. */
function chargeWire({ repeated, reservation }: Extract<Verdict, { readonly allowed: true }>) {
  return {
    ...(repeated && { repeated: true as const }),
    ...(reservation !== undefined && {
      reservation: { id: reservation.id, expires_at: printInstant(reservation.expiresAt) },
    }),
  };
}

/** Writes a verdict. */
export function verdictWire(verdict: Verdict): z.infer<typeof allowedSchema> | z.infer<typeof refusedSchema> {
  if (!verdict.allowed) {
    return {
      allowed: false,
      code: verdict.code,
      detail: verdict.detail,
      failures: verdict.failures.map(
        ({ index, caveat, agent, placed, code, detail, remaining, retryAfter }) => {
          return {
            index,
            caveat,
            agent,
            placed,
            code,
            detail,
            ...(remaining !== undefined && { remaining }),
            ...(retryAfter !== undefined && { retry_after: retryAfter }),
          };
        },
      ),
      undischarged: verdict.undischarged.map(undischargedWire),
      ...(verdict.revocation !== undefined && { revocation: killingWire(verdict.revocation) }),
      sequence: verdict.sequence,
    };
  }
  return {
    allowed: true,
    token_id: verdict.tokenId,
    key_id: verdict.keyId,
    platform: verdict.platform,
    principal: principalWire(verdict.principal),
    issued_at: printInstant(verdict.issuedAt),
    expires_at: printInstant(verdict.expiresAt),
    agents: verdict.agents as string[],
    caveats: verdict.caveats as string[],
    summary: verdict.summary,
    summary_parts: summaryPartsWire(verdict.summaryParts),
    revocation_id: verdict.revocationId,
    revocation_ids: [...verdict.revocationIds],
    budgets: verdict.budgets.map(budgetWire),
    ...chargeWire(verdict),
    sequence: verdict.sequence,
  };
}

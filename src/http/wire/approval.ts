import { z } from "zod";
import { wholeCaveat } from "../../caveats/condition.ts";
import { verifiedText } from "../../caveats/together/summary-parts.ts";
import type { ApprovalView } from "../../domain/discharge-service.ts";
import { DECISIONS, REQUEST_STATES } from "../../words/states.ts";
import { principalSchema, principalWire } from "./principal.ts";
import { summaryPartsSchema, summaryPartsWire } from "./summary.ts";
import { instant, lineOfText, opaqueId, platformName, printInstant, revocationId, tokenId } from "./text.ts";

/** An approval, as answers write it. */
export const approvalSchema = z
  .strictObject({
    id: opaqueId.meta({ description: "The approval id: revoke it to withdraw what was approved." }),
    state: z.enum(REQUEST_STATES).meta({
      description:
        "`withdrawn`: by its asker while it was pending, or after a yes, so that the discharge is dead. `dropped`: made room for newer requests of the same caller or token. `revoked`: the token that it is for was revoked before it was decided, so nobody can answer it. More states may be added.",
    }),
    needed: z.int().meta({ description: "How many different people have to approve." }),
    subjects: z.array(z.string()).meta({
      description: "Of the people who are asked by name: the caller. An administrator is told all.",
    }),
    others: z.int().optional().meta({
      description: "How many more people are asked by name. Their subjects are told to administrators.",
    }),
    groups: z.array(z.string()),
    user_code: z.string().meta({ description: "The asker was shown the same." }),
    asked_at: instant,
    expires_at: instant,
    decided_at: instant.optional(),
    withdrawn_at: instant.optional(),
    ends_at: instant.optional().meta({ description: "When the discharge ends. There once it is granted." }),
    discharge_life: z.int().meta({ description: "Seconds that the discharge lives once it is granted." }),
    allows: z.string().meta({
      description:
        "What a yes allows, in one sentence of what this service enforces. Nothing of the ticket's text is in it.",
    }),
    asked_caveats: z.array(z.string()).meta({
      description: "The caveats that the asker gave: they are enforced, and the words are the asker's.",
    }),
    token: z
      .strictObject({
        token_id: tokenId,
        revocation_id: revocationId.meta({
          description: "The very link that is approved, with all below it.",
        }),
        platform: platformName,
        principal: principalSchema,
        caveats: z.array(z.string()).meta({ description: "Those that the issuer wrote." }),
        summary: z.string().meta({ description: "What is by `issued` and by `service` in `summary_parts`." }),
        summary_parts: summaryPartsSchema,
      })
      .optional()
      .meta({
        description:
          "What was verified about the token. Absent where a client of macaroon-bakery asked: nothing is known about the asker then.",
      }),
    unverified: z
      .strictObject({
        text: z.string().meta({ description: "What is asked, in the words of whoever wrote the ticket." }),
        agents: z
          .array(z.string())
          .meta({ description: "Whom the token was handed to, as its holders say." }),
        caveats: z.array(z.string()).meta({
          description:
            "Those that holders appended. They are enforced, so the token allows less than `token` says; their words are the holders'.",
        }),
      })
      .meta({ description: "What nobody vouches for. Show it apart, and as plain text." }),
    decisions: z.array(
      z.strictObject({
        issuer: z.string(),
        subject: z.string(),
        decision: z.enum(DECISIONS),
        reason: z.string().optional(),
        at: instant,
      }),
    ),
    obstacle: z
      .string()
      .optional()
      .meta({ description: "Why the caller cannot approve now. Absent where they can." }),
  })
  .meta({ id: "Approval", description: "What people are asked, and what they said." });

/** A person's decision. */
export const decisionSchema = z
  .strictObject({
    decision: z.enum(DECISIONS),
    reason: lineOfText(500)
      .optional()
      .meta({ description: "For the record, and for the others who are asked." }),
  })
  .meta({ id: "ApprovalDecision" });

/** Writes an approval. */
export function approvalWire(view: ApprovalView): z.infer<typeof approvalSchema> {
  const { condition, about, decidedAt, withdrawnAt, endsAt, obstacle } = view;
  return {
    id: view.id,
    state: view.state,
    needed: condition.needed,
    subjects: [...view.subjects],
    ...(view.others === 0 ? {} : { others: view.others }),
    groups: [...condition.groups],
    user_code: view.code,
    asked_at: printInstant(view.askedAt),
    expires_at: printInstant(view.expiresAt),
    ...(decidedAt === null ? {} : { decided_at: printInstant(decidedAt) }),
    ...(withdrawnAt === null ? {} : { withdrawn_at: printInstant(withdrawnAt) }),
    ...(endsAt === null ? {} : { ends_at: printInstant(endsAt) }),
    discharge_life: view.life,
    allows: view.allows,
    asked_caveats: view.caveats.map(wholeCaveat),
    ...(about === null ? {} : { token: tokenWire(about) }),
    unverified: {
      text: condition.text,
      agents: [...(about?.agents ?? [])],
      caveats: about === null ? [] : about.caveats.slice(about.issuedCaveats),
    },
    decisions: view.decisions.map(({ issuer, subject, approved, reason, at }) => ({
      issuer,
      subject,
      decision: approved ? "approve" : "deny",
      ...(reason === null ? {} : { reason }),
      at: printInstant(at),
    })),
    ...(obstacle === undefined ? {} : { obstacle: obstacle.detail }),
  };
}

function tokenWire({ principal, ...about }: NonNullable<ApprovalView["about"]>) {
  return {
    token_id: about.tokenId,
    revocation_id: about.revocationId,
    platform: about.platform,
    principal: principalWire(principal),
    caveats: about.caveats.slice(0, about.issuedCaveats),
    summary: verifiedText(about.summaryParts),
    summary_parts: summaryPartsWire(about.summaryParts),
  };
}

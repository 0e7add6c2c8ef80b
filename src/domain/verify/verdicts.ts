import type { BudgetView } from "../budget-view.ts";
import { tellKind } from "../parts/voucher.ts";
import type { CaveatFailure, Verdict } from "../service.ts";
import type { AllowedVerdict } from "./batch-questions.ts";
import { caveatsOf, linksOf, type Summary } from "./bundle-texts.ts";
import type { VerifiedToken } from "./verify-token.ts";

// The same lists each time: the writer of JSON sees by identity that nothing has changed.
const NO_TEXTS: readonly string[] = [];
const NO_PARTS: Summary["parts"] = [];

/** @param summary undefined for those who want the decision alone: they are told no texts, and so none are made */
export function allowed(
  platform: string,
  token: VerifiedToken,
  agents: readonly string[],
  budgets: readonly BudgetView[],
  summary: Summary | undefined,
  sequence: string,
): AllowedVerdict {
  const links = summary === undefined ? NO_TEXTS : linksOf(token);
  const told = summary && tellKind(summary, token.principal.issuer);
  return {
    allowed: true,
    tokenId: token.identifier.tokenId,
    keyId: token.rootKey.id,
    platform,
    principal: token.principal,
    issuedAt: token.issuedAt,
    expiresAt: token.endsAt,
    agents,
    caveats: summary === undefined ? NO_TEXTS : caveatsOf(token),
    summary: told?.text ?? "",
    summaryParts: told?.parts ?? NO_PARTS,
    // The last link's is the macaroon's own.
    revocationId: links.at(-1) ?? token.macaroon.revocationId.text,
    revocationIds: links,
    budgets,
    sequence,
  };
}

/** The refusal of a call that only the database could refuse. @param failures at least one */
export function refusedBy(failures: readonly CaveatFailure[], sequence: string): Verdict {
  const [first] = failures;
  if (first === undefined) throw new Error("a charge was refused for no reason");
  return { allowed: false, code: first.code, detail: first.detail, failures, undischarged: [], sequence };
}

/** Whether a verdict refuses a token as revoked. */
export function isOfDead(verdict: Verdict): boolean {
  return !verdict.allowed && verdict.code === "revoked";
}

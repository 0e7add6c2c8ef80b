import type { Caller } from "../caller.ts";
import type { Decided, DecidedVerdict } from "../decided.ts";
import type { VerifyRequest } from "../service.ts";
import type { AllowedVerdict } from "./batch-questions.ts";
import { subjectOf, type VerifiedToken } from "./verify-token.ts";

/**
 * Takes verdicts for the record. It takes no time worth measuring and never throws: no verdict waits for it, and none fails
 * by it.
 */
export interface DecisionRecord {
  /** @param about undefined if the token's signatures are not right, which leaves nothing to be said of it */
  note(
    caller: Caller,
    request: Pick<VerifyRequest, "dryRun" | "resource">,
    verdict: DecidedVerdict,
    about: Decided | undefined,
  ): void;
}

/** Records nothing. */
export const NO_RECORD: DecisionRecord = { note() {} };

/** The facts of a verified token. */
export function aboutToken(token: VerifiedToken): Decided {
  return {
    platform: token.rootKey.platform,
    tokenId: token.identifier.tokenId,
    principalId: token.principal.id,
    link: token.macaroon.revocationId,
    agents: () => subjectOf(token).agents.filter((agent) => !agent.includes("#")),
  };
}

/** The same, as a verdict that allows it says them. */
export function aboutVerdict(verdict: AllowedVerdict): Decided {
  return {
    platform: verdict.platform,
    tokenId: verdict.tokenId,
    principalId: verdict.principal.id,
    link: { text: verdict.revocationId },
    agents: () => verdict.agents,
  };
}

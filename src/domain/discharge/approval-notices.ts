import { wholeCaveat } from "../../caveats/condition.ts";
import { verifiedText } from "../../caveats/together/summary-parts.ts";
import type { ApprovalCondition } from "../../conditions/terms.ts";
import { APPROVALS_PATH } from "../../words/http.ts";
import { rfc3339 } from "../parts/instants.ts";
import { shownIssuer } from "../parts/voucher.ts";
import type { DischargeRequest, DischargeState } from "../ports/discharge-requests.ts";
import type { Principal } from "../ports/principals.ts";

import { effectOf } from "./effect.ts";

/*
 * The notices that the webhook gets. `unverified` holds claims that nobody vouches for, so that a reader can show
 * them apart. Nothing in a notice decides anything: its link leads to a page that asks for a session.
 */

/** The notice that people are asked. */
export function approvalAsked(
  request: DischargeRequest,
  condition: ApprovalCondition,
  publicUrl: string,
): string {
  const { about } = request;
  return JSON.stringify({
    type: "approval.asked",
    timestamp: rfc3339(request.askedAt),
    data: {
      id: request.id,
      url: `${publicUrl}${APPROVALS_PATH}/${request.id}`,
      code: request.code,
      needed: condition.needed,
      subjects: condition.subjects,
      groups: condition.groups,
      expires_at: rfc3339(request.expiresAt),
      allows: effectOf(request),
      asked_caveats: request.caveats.map(wholeCaveat),
      ...(about === null
        ? {}
        : {
            platform: about.platform,
            principal: principalOf(about.principal),
            token_id: about.tokenId,
            revocation_id: about.revocationId,
            summary: verifiedText(about.summaryParts),
          }),
      unverified: {
        text: condition.text,
        agents: about?.agents ?? [],
        // Issued caveats are enforced, and in the words of the person or platform that had the token issued.
        issued_caveats: about === null ? [] : about.caveats.slice(0, about.issuedCaveats),
        caveats: about === null ? [] : about.caveats.slice(about.issuedCaveats),
      },
    },
  });
}

function principalOf(principal: Pick<Principal, "issuer" | "subject" | "assertedBy">) {
  const { issuer, subject, assertedBy } = principal;
  return { ...shownIssuer(issuer), subject, asserted_by: assertedBy };
}

/** The notice that it is decided. */
export function approvalDecided(request: DischargeRequest, state: DischargeState, at: number): string {
  const allows = effectOf({ ...request, state, decidedAt: at });
  return JSON.stringify({
    type: "approval.decided",
    timestamp: rfc3339(at),
    data: { id: request.id, state, allows },
  });
}

/** The notice that it was withdrawn. */
export function approvalWithdrawn(id: string, at: number): string {
  return JSON.stringify({
    type: "approval.withdrawn",
    timestamp: rfc3339(at),
    data: { id, state: "withdrawn" },
  });
}

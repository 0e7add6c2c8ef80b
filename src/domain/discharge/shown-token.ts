import { agentTrail } from "../../caveats/agents.ts";
import { type Condition, shownCaveat, thirdPartyText } from "../../caveats/condition.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { summaryParts } from "../../caveats/together/summary-parts.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { DomainError } from "../parts/error.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeSubject, ShownPlace } from "../ports/discharge-requests.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { refusalOfEnded } from "../verify/clear-token.ts";
import type { TokenVerifier, VerifiedToken } from "../verify/verify-token.ts";

/** A live token that was shown when asking for a discharge. */
export interface ShownToken {
  readonly subject: DischargeSubject;
  /** Its whole chain. */
  readonly conditions: readonly Condition[];
  readonly place: ShownPlace;
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

function carries({ macaroon }: VerifiedToken, caveatId: Uint8Array): boolean {
  const wanted = Buffer.from(caveatId);
  const chains = [macaroon, ...macaroon.discharges.filter((discharge) => discharge.state === "good")];
  return chains.some(({ caveats }) => caveats.some(({ kind, id }) => kind === "third" && wanted.equals(id)));
}

/** Hand-overs that a branch is told by: what stands deeper belongs to the last of them. */
const MOST_HANDOVERS = 8;

/** How a token was handed on: its root's id, and the links of its first hand-overs to named agents. */
function branchOf({ identifier, macaroon, conditions }: VerifiedToken): readonly string[] {
  const handovers = conditions.flatMap((condition, index) => {
    const link = macaroon.revocationIds[index + 1];
    return condition.state === "known" && condition.caveat.kind === "agent" && link ? [link.text] : [];
  });
  return [identifier.tokenId, ...handovers.slice(0, MOST_HANDOVERS)];
}

/**
 * Makes the reader of tokens that are shown when asking. Everything that it says of a token is the issuer's word, or a
 * condition under its signature.
 */
export function createTokenReading(options: {
  readonly tokenVerifier: TokenVerifier;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
  readonly clock: Clock;
}) {
  const { tokenVerifier, knowledge, clock } = options;

  /** @throws DomainError if it is no live token of this service, or does not carry the caveat */
  return async function read(text: string, caveatId: Uint8Array): Promise<ShownToken> {
    const verification = await tokenVerifier.verifyAny(text);
    knowledge.requireFresh();
    const now = clock.now();
    if (!verification.ok || refusalOfEnded(verification.token, now) !== undefined) {
      throw new DomainError("not_found", "is not a live token of this service", "token");
    }
    const { token } = verification;
    if (!carries(token, caveatId)) {
      throw new DomainError("unprocessable", "does not carry this caveat", "token");
    }
    const { identifier, principal, macaroon, conditions } = token;
    const options = { now: instantFromMilliseconds(now) };
    const { id, issuer, subject, email, assertedBy } = principal;
    return {
      subject: {
        platform: principal.platform,
        tokenId: identifier.tokenId,
        revocationId: macaroon.revocationId.text,
        principal: { id, issuer, subject, email, assertedBy },
        caveats: conditions.map((condition) =>
          shownCaveat(
            condition.state === "third_party" ? thirdPartyText(condition.location) : condition.text,
          ),
        ),
        issuedCaveats: identifier.issuedCaveats,
        summary: summarise(conditions, options),
        summaryParts: summaryParts(conditions, identifier.issuedCaveats, options),
        agents: agentTrail(conditions),
      },
      conditions,
      place: { depth: macaroon.revocationIds.length - 1, branch: branchOf(token) },
      expiresAt: token.endsAt,
    };
  };
}

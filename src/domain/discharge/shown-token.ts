import { agentsOf, agentTrail } from "../../caveats/agents.ts";
import { type Condition, shownCaveat, thirdPartyText } from "../../caveats/condition.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { summaryParts } from "../../caveats/together/summary-parts.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { DomainError } from "../parts/error.ts";
import { beginTimeSlice, inSlice, mapInSlices } from "../parts/time-slice.ts";
import { tellKind } from "../parts/voucher.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeSubject, Mortality, ShownPlace } from "../ports/discharge-requests.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import { refusalOfEnded } from "../verify/clear-token.ts";
import type { TokenVerifier, VerifiedToken } from "../verify/verify-token.ts";

/** A good token that was shown, before anything of it is read. */
export interface PresentedToken {
  readonly place: ShownPlace;
  /** Reads it, in turns of the event loop. @returns rejects with the refusal of a token that does not carry the caveat */
  read(caveatId: Uint8Array): Promise<ShownToken>;
}

/** A live token that was shown when asking for a discharge. */
export interface ShownToken {
  readonly subject: DischargeSubject;
  /** Its whole chain. */
  readonly conditions: readonly Condition[];
  readonly place: ShownPlace;
  readonly mortality: Mortality;
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

function notLive(): DomainError {
  return new DomainError("not_found", "is not a live token of this service", "token");
}

/**
 * Makes the reader of tokens that are shown when asking. Everything that it says of a token is the issuer's word, or a
 * condition under its signature.
 *
 * Anybody may show anything, so a token is read in two steps. The first checks its signatures alone, and tells by whose
 * allowance the second is paid.
 *
 * @returns rejects with a DomainError if it is no live token of this service
 */
export function createTokenReading(options: {
  readonly tokenVerifier: TokenVerifier;
  readonly knowledge: Pick<RevocationKnowledge, "requireFresh">;
  readonly clock: Clock;
}): (text: string) => Promise<PresentedToken> {
  const { tokenVerifier, knowledge, clock } = options;

  async function read(token: VerifiedToken, place: ShownPlace, caveatId: Uint8Array): Promise<ShownToken> {
    if (!carries(token, caveatId)) {
      throw new DomainError("unprocessable", "does not carry this caveat", "token");
    }
    const { identifier, principal, macaroon, conditions, issuedAt } = token;
    const { issuedCaveats } = identifier;
    const slice = beginTimeSlice(clock);
    const options = { now: instantFromMilliseconds(clock.now()), whole: true, issued: issuedCaveats };
    const { id, issuer, subject, email, assertedBy } = principal;
    const caveats = await mapInSlices(conditions, slice, (condition) =>
      shownCaveat(condition.state === "third_party" ? thirdPartyText(condition.location) : condition.text),
    );
    const summary = await inSlice(slice, () => summarise(conditions, options));
    // People decide by it. Names and values of issued caveats may be the asking person's own.
    const quoted = { ...options, quoted: true };
    const parts = await inSlice(slice, () => summaryParts(conditions, issuedCaveats, quoted));
    const told = tellKind({ text: summary, parts }, issuer);
    return {
      subject: {
        platform: principal.platform,
        tokenId: identifier.tokenId,
        revocationId: macaroon.revocationId.text,
        principal: { id, issuer, subject, email, assertedBy },
        caveats,
        issuedCaveats,
        summary: told.text,
        summaryParts: told.parts,
        agents: agentTrail(conditions),
      },
      conditions,
      place,
      mortality: {
        keyId: token.rootKey.id,
        issuedAt,
        agents: agentsOf(conditions),
        links: macaroon.revocationIds.map(({ text }) => text),
      },
      expiresAt: token.endsAt,
    };
  }

  function requireLive(token: VerifiedToken): void {
    knowledge.requireFresh();
    if (refusalOfEnded(token, clock.now()) !== undefined) throw notLive();
  }

  return async (text) => {
    const verification = await tokenVerifier.verifyAny(text);
    knowledge.requireFresh();
    if (!verification.ok) throw notLive();
    const { token } = verification;
    requireLive(token);
    const place = { depth: token.macaroon.revocationIds.length - 1, branch: branchOf(token) };
    return {
      place,
      async read(caveatId) {
        const shown = await read(token, place, caveatId);
        // It may have been revoked while it was read.
        requireLive(tokenVerifier.again(token));
        return shown;
      },
    };
  };
}

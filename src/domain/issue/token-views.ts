import { agentsOf } from "../../caveats/agents.ts";
import { type Condition, compileCaveat, thirdParty, thirdPartyText } from "../../caveats/condition.ts";
import { contradictions } from "../../caveats/together/contradictions.ts";
import { doubts } from "../../caveats/together/doubts.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { summaryParts } from "../../caveats/together/summary-parts.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { encodeBase64Url } from "../../macaroon/index.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import type { Clock } from "../ports/clock.ts";
import type { IssuedCaveat, TokenRecord, TokenWithPrincipal } from "../ports/tokens.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { IssuedToken, TokenView } from "../service.ts";
import { issuedLinks } from "./minting.ts";

/** A caveat as answers list it. */
function caveatText(caveat: IssuedCaveat): string {
  return "text" in caveat ? caveat.text : thirdPartyText(caveat.location);
}

function conditionOf(caveat: IssuedCaveat): Condition {
  return "text" in caveat ? compileCaveat(caveat.text) : thirdParty(caveat.location);
}

/** What callers are told of an issued token besides the token itself. @param now unix milliseconds */
export function describeToken(
  { token, principal }: TokenWithPrincipal,
  now: number,
): Omit<IssuedToken, "token"> {
  const conditions = token.caveats.map(conditionOf);
  const options = { now: instantFromMilliseconds(now) };
  return {
    tokenId: token.id,
    revocationId: encodeBase64Url(token.revocationId),
    platform: token.platform,
    principal,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    caveats: token.caveats.map(caveatText),
    summary: summarise(conditions, { ...options, whole: true }),
    summaryParts: summaryParts(conditions, conditions.length, options),
    warnings: [
      ...contradictions(conditions).map(({ detail }) => detail),
      ...doubts(conditions, instantFromMilliseconds(token.issuedAt)),
    ],
  };
}

/** Makes the listed form of issued tokens. @param trustsDevelopment as verification has it */
export function createTokenViews(options: {
  readonly clock: Clock;
  readonly knowledge: Pick<RevocationKnowledge, "isRevoked">;
  readonly rootKeys: Pick<RootKeys, "held">;
  readonly trustsDevelopment: boolean;
}) {
  const { clock, knowledge, rootKeys } = options;

  // Dead here means dead to verify: who reads a list after an incident must not be told of life that is none.
  function isRevoked({ token, principal }: TokenWithPrincipal): boolean {
    if (principal.development && !options.trustsDevelopment) return true;
    return knowledge.isRevoked({
      platform: token.platform,
      issuer: principal.issuer,
      subject: principal.subject,
      principalId: principal.id,
      keyId: token.keyId,
      tokenId: token.id,
      issuedAt: token.issuedAt,
      // Those that were issued with it: whoever holds it may have handed it on, which is not seen here.
      agents: agentsOf(token.caveats.map(conditionOf)),
      approvals: [],
      revocationIds: issuedLinks(rootKeys.held(token.keyId), token),
    });
  }

  return (entry: TokenWithPrincipal): TokenView => {
    const { token }: { readonly token: TokenRecord } = entry;
    const now = clock.now();
    return {
      ...describeToken(entry, now),
      keyId: token.keyId,
      label: token.label,
      issuedBy: token.issuedBy,
      status: isRevoked(entry) ? "revoked" : token.expiresAt <= now ? "expired" : "active",
    };
  };
}

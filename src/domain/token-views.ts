import { type Condition, compileCaveat, thirdParty } from "../caveats/condition.ts";
import { contradictions } from "../caveats/contradictions.ts";
import { instantFromMilliseconds } from "../caveats/instant.ts";
import { summarise } from "../caveats/summary.ts";
import { encodeBase64Url } from "../macaroon/index.ts";
import type { Clock } from "./ports/clock.ts";
import type { IssuedCaveat, TokenRecord, TokenWithPrincipal } from "./ports/tokens.ts";
import type { RevocationFeed } from "./revocation-feed.ts";
import type { IssuedToken, TokenView } from "./service.ts";

/** A caveat as answers list it. The form of a third-party one is no caveat, so nothing can mistake it for one. */
export function caveatText(caveat: IssuedCaveat): string {
  return "text" in caveat ? caveat.text : `third-party ${caveat.location}`;
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
  return {
    tokenId: token.id,
    revocationId: encodeBase64Url(token.revocationId),
    platform: token.platform,
    principal,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    caveats: token.caveats.map(caveatText),
    summary: summarise(conditions, { now: instantFromMilliseconds(now) }),
    warnings: contradictions(conditions).map(({ detail }) => detail),
  };
}

function statusOf(entry: TokenWithPrincipal, now: number, feed: RevocationFeed): TokenView["status"] {
  const { token, principal } = entry;
  const revoked = feed.isRevoked({
    platform: token.platform,
    issuer: principal.issuer,
    subject: principal.subject,
    principalId: principal.id,
    keyId: token.keyId,
    tokenId: token.id,
    issuedAt: token.issuedAt,
    // As issued: whoever holds it may have handed it on, which is not seen here.
    agents: [],
    revocationIds: [token.revocationId],
  });
  if (revoked) return "revoked";
  return token.expiresAt <= now ? "expired" : "active";
}

/** Makes the listed form of issued tokens. */
export function createTokenViews(options: { readonly clock: Clock; readonly feed: RevocationFeed }) {
  return (entry: TokenWithPrincipal): TokenView => {
    const { token }: { readonly token: TokenRecord } = entry;
    const now = options.clock.now();
    return {
      ...describeToken(entry, now),
      keyId: token.keyId,
      label: token.label,
      issuedBy: token.issuedBy,
      status: statusOf(entry, now, options.feed),
    };
  };
}

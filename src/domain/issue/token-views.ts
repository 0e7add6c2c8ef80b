import { agentsOf } from "../../caveats/agents.ts";
import { type Condition, compileCaveat, thirdParty, thirdPartyText } from "../../caveats/condition.ts";
import { contradictions } from "../../caveats/together/contradictions.ts";
import { doubts } from "../../caveats/together/doubts.ts";
import { summarise } from "../../caveats/together/summary.ts";
import { summaryParts } from "../../caveats/together/summary-parts.ts";
import { instantFromMilliseconds } from "../../caveats/values/instant.ts";
import { encodeBase64Url } from "../../macaroon/index.ts";
import type { RootKeys } from "../keys/root-keys.ts";
import { beginTimeSlice, inSlice, mapInSlices, type TimeSlice } from "../parts/time-slice.ts";
import { tellKind } from "../parts/voucher.ts";
import type { Clock } from "../ports/clock.ts";
import type { IssuedCaveat, TokenRecord, TokenWithPrincipal } from "../ports/tokens.ts";
import type { RevocationKnowledge } from "../replica/revocation-knowledge.ts";
import type { IssuedToken, TokenView } from "../service.ts";
import { issuedLinks } from "./minting.ts";

/** A caveat as answers list it. */
function caveatText(caveat: IssuedCaveat): string {
  return "text" in caveat ? caveat.text : thirdPartyText(caveat.location);
}

/** Reads a caveat of a token's record. */
export function conditionOf(caveat: IssuedCaveat): Condition {
  return "text" in caveat ? compileCaveat(caveat.text) : thirdParty(caveat.location);
}

/** Reads the caveats of a token's record, in turns. */
function readConditions({ caveats }: TokenRecord, slice: TimeSlice): Promise<readonly Condition[]> {
  return mapInSlices(caveats, slice, conditionOf);
}

/**
 * The facts that callers get of an issued token besides the token itself. They are found out in turns of the event loop, as its
 * caveats may be sixty kilobytes of anything.
 *
 * @param now unix milliseconds
 */
export async function describeToken(
  entry: TokenWithPrincipal,
  now: number,
  slice: TimeSlice,
): Promise<Omit<IssuedToken, "token">> {
  return describeConditions(entry, await readConditions(entry.token, slice), now, slice, false);
}

/** @param quoted whether values stand in quotes, for readers who did not write them */
async function describeConditions(
  { token, principal }: TokenWithPrincipal,
  conditions: readonly Condition[],
  now: number,
  slice: TimeSlice,
  quoted: boolean,
): Promise<Omit<IssuedToken, "token">> {
  const options = { now: instantFromMilliseconds(now), whole: true, issued: conditions.length };
  const issuedAt = instantFromMilliseconds(token.issuedAt);
  const summary = await inSlice(slice, () => summarise(conditions, options));
  const parts = await inSlice(slice, () =>
    summaryParts(conditions, conditions.length, { ...options, quoted }),
  );
  const told = tellKind({ text: summary, parts }, principal.issuer);
  const clashes = await inSlice(slice, () => contradictions(conditions));
  const doubtful = await inSlice(slice, () => doubts(conditions, issuedAt));
  return {
    tokenId: token.id,
    revocationId: encodeBase64Url(token.revocationId),
    platform: token.platform,
    principal,
    issuedAt: token.issuedAt,
    expiresAt: token.expiresAt,
    caveats: token.caveats.map(caveatText),
    summary: told.text,
    summaryParts: told.parts,
    warnings: [...clashes.map(({ detail }) => detail), ...doubtful],
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

  // Dead here means dead to verify: a reader of a list after an incident must not be told of life that is none.
  function isRevoked({ token, principal }: TokenWithPrincipal, conditions: readonly Condition[]): boolean {
    if (principal.development && !options.trustsDevelopment) return true;
    return knowledge.isRevoked({
      platform: token.platform,
      issuer: principal.issuer,
      subject: principal.subject,
      principalId: principal.id,
      keyId: token.keyId,
      tokenId: token.id,
      issuedAt: token.issuedAt,
      // Those that were issued with it: its holder may have handed it on, which is not seen here.
      agents: agentsOf(conditions),
      approvals: [],
      revocationIds: issuedLinks(rootKeys.held(token.keyId), token),
    });
  }

  return async (entry: TokenWithPrincipal, slice = beginTimeSlice(clock)): Promise<TokenView> => {
    const { token }: { readonly token: TokenRecord } = entry;
    const now = clock.now();
    const conditions = await readConditions(token, slice);
    // Lists and pages show it among facts, and a platform, or a program that acts as the person, chose the words.
    const description = await describeConditions(entry, conditions, now, slice, true);
    const revoked = await inSlice(slice, () => isRevoked(entry, conditions));
    return {
      ...description,
      keyId: token.keyId,
      label: token.label,
      issuedBy: token.issuedBy,
      status: revoked ? "revoked" : token.expiresAt <= now ? "expired" : "active",
    };
  };
}

import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import { requirePerson } from "../permission.ts";
import type { Clock } from "../ports/clock.ts";
import { SERVICE_PLATFORM } from "../ports/platforms.ts";
import type { VerifyRequest } from "../service.ts";
import type { TokenVerifier } from "./verify-token.ts";

/** Questions a second, and at once, of one person: platforms ask for their callers, people for themselves. */
const BY_PERSON = { perSecond: 5, burst: 100 };

/** People that rates are remembered for. */
const PEOPLE = 20_000;

/** No platform has this name, so every key is as unknown there as one that never was. */
const NO_PLATFORM = "";

/**
 * Makes the finder of the platform that a person's question is about: without a charge they may ask about tokens of their
 * own, since they could read and revoke those anyway.
 *
 * @returns the platform's name, which is nobody's for a token of somebody else's; rejects with `forbidden` for a question
 *   that would count
 */
export function createOwnTokens(options: {
  readonly tokenVerifier: Pick<TokenVerifier, "verifyAny">;
  readonly clock: Clock;
}): (caller: Caller, request: VerifyRequest) => Promise<string> {
  const { tokenVerifier, clock } = options;
  const byPerson = createRateLimit({ clock, ...BY_PERSON, maxKeys: PEOPLE });
  return async (caller, { token, dryRun, chargeId }) => {
    const { identity } = requirePerson(caller);
    if (!dryRun) {
      throw new DomainError(
        "forbidden",
        "a person asks with dry_run, about their own tokens; a platform asks without",
      );
    }
    // It would tell which ids the platform has used.
    if (chargeId !== undefined)
      throw new DomainError("forbidden", "a charge_id is the platform's", "charge_id");
    if (!byPerson.take(`${identity.issuer}\n${identity.subject}`)) {
      throw new DomainError("rate_limited", "too many questions by one person");
    }
    const verification = await tokenVerifier.verifyAny(token);
    if (!verification.ok) return NO_PLATFORM;
    const { principal, rootKey } = verification.token;
    const isOwn = principal.issuer === identity.issuer && principal.subject === identity.subject;
    return isOwn && rootKey.platform !== SERVICE_PLATFORM ? rootKey.platform : NO_PLATFORM;
  };
}

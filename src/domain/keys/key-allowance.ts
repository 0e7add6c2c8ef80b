import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * Keys that a platform may have made, at once and an hour. Every key is held by every replica for as long as a token
 * can live, so whoever has them made in a loop would fill the memory of all.
 */
const BY_PLATFORM = { perSecond: 1 / 3_600, burst: 10, maxKeys: 10_000 };

/**
 * Takes one key from what a platform may have made, by rotating or by revoking one that signs. Administrators are
 * not limited, nor is what they do for a platform.
 *
 * @param member the request's member that asks for it
 * @throws DomainError `rate_limited`
 */
export type TakeKey = (caller: Caller | undefined, platform: string, member?: string) => void;

/** @returns shared by all that makes keys */
export function createKeyAllowance(clock: Clock): TakeKey {
  const byPlatform = createRateLimit({ clock, ...BY_PLATFORM });
  return (caller, platform, member) => {
    if (caller?.kind !== "service" || caller.role !== "platform" || byPlatform.take(platform)) return;
    throw new DomainError("rate_limited", "this platform has had too many keys made", member);
  };
}

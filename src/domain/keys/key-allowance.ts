import { type Caller, wayOf } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { createTreeLimit, type TreeLimit } from "../parts/tree-limit.ts";
import type { Clock } from "../ports/clock.ts";

/**
 * Keys that the credentials of a platform may have made by rotating, at once and an hour. Every replica holds every key for
 * as long as a token can live, so a loop of rotations would fill the memory of all. One credential has three quarters.
 */
const BY_ROTATING = { perSecond: 1 / 3_600, burst: 14, maxTrees: 10_000 };

/**
 * Keys that one credential may have replaced by revoking them, at once and an hour. Revoking a key is an emergency:
 * its allowance is apart from that of rotating, so that routine cannot use it up, and each credential has its own, so
 * that a stolen one cannot use it up for the others. One that was narrowed has a share, so that it cannot use it up for the
 * one that it was narrowed from.
 */
const BY_REVOKING = { perSecond: 60 / 3_600, burst: 20, maxTrees: 50_000 };

/**
 * Takes one key from an allowance. Administrators are not limited, and what they do for a platform costs it nothing.
 *
 * @param member the request's member that asks for it
 * @returns gives the key back, for a request that made none
 * @throws DomainError `rate_limited`
 */
export type TakeKey = (caller: Caller | undefined, platform: string, member?: string) => () => void;

/** The allowances of all that makes keys. */
export interface KeyAllowance {
  readonly takeForRotation: TakeKey;
  readonly takeForRevocation: TakeKey;
}

/** @returns shared by all that makes keys */
export function createKeyAllowance(clock: Clock): KeyAllowance {
  const byRotating = createTreeLimit({ clock, ...BY_ROTATING });
  const byRevoking = createTreeLimit({ clock, ...BY_REVOKING });
  return {
    takeForRotation: (caller, platform, member) =>
      isLimited(caller) ? take(byRotating, [platform, ...wayOf(caller)], member) : giveNothingBack,
    takeForRevocation: (caller, _platform, member) =>
      isLimited(caller) ? take(byRevoking, wayOf(caller), member) : giveNothingBack,
  };
}

function isLimited(caller: Caller | undefined): caller is Extract<Caller, { kind: "service" }> {
  return caller?.kind === "service" && caller.role === "platform";
}

function take(limit: TreeLimit, way: readonly string[], member: string | undefined): () => void {
  if (limit.take(way)) return () => limit.giveBack(way);
  throw new DomainError("rate_limited", "this platform has had too many keys made", member);
}

function giveNothingBack(): void {}

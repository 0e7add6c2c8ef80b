import { createHash } from "node:crypto";

import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { networkOf } from "../parts/network.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeProtocol } from "../ports/discharge-requests.ts";
import type { Repositories } from "../ports/store.ts";

/** Requests a caller may have waiting, before the oldest makes room. */
const MOST_PER_CALLER = 50;

/** The same of one root macaroon's whole tree. */
const MOST_PER_TOKEN = 5;

/**
 * Approvals that one person or group may be asked for at once. Past that nobody is asked, so that nobody can push
 * another's request out. Those of stock bakery clients, who need no token to ask, are counted apart: they cannot
 * keep out the others.
 */
const MOST_PER_APPROVER = { native: 100, bakery: 20 } as const;

/** Requests a second, and at once, of one caller. */
const ASKING = { perSecond: 2, burst: 40, maxKeys: 50_000 };

/** What keeps anyone from asking without end. */
export interface DischargeLimits {
  /** Names whoever asks: who they are, or where they ask from. @throws DomainError `rate_limited` */
  admit(caller: Caller | undefined, from: string): Uint8Array;
  /** Makes room for a request that was just inserted. @throws DomainError `rate_limited` where its approvers are asked too much */
  makeRoom(
    repositories: Repositories,
    request: {
      readonly callerHash: Uint8Array;
      readonly tokenId: string | undefined;
      readonly approverKeys: readonly string[];
      readonly protocol: DischargeProtocol;
    },
    now: number,
  ): Promise<void>;
}

function nameOf(caller: Caller | undefined, from: string): string {
  if (caller === undefined) return `address\n${networkOf(from)}`;
  if (caller.kind === "service") return `credential\n${caller.credentialId}`;
  return `human\n${caller.identity.issuer}\n${caller.identity.subject}`;
}

export function createDischargeLimits(options: { readonly clock: Clock }): DischargeLimits {
  const asking = createRateLimit({ clock: options.clock, ...ASKING });
  return {
    admit(caller, from) {
      const name = nameOf(caller, from);
      if (!asking.take(name))
        throw new DomainError("rate_limited", "too many requests for discharges at once");
      return new Uint8Array(
        createHash("sha256").update("bakehouse discharge caller v1\0").update(name).digest(),
      );
    },
    async makeRoom({ dischargeRequests }, { callerHash, tokenId, approverKeys, protocol }, now) {
      await dischargeRequests.dropOldest({ callerHash }, MOST_PER_CALLER, now);
      if (tokenId !== undefined) await dischargeRequests.dropOldest({ tokenId }, MOST_PER_TOKEN, now);
      if (approverKeys.length === 0) return;
      const pending = await dischargeRequests.mostPending(approverKeys, protocol, now);
      if (pending > MOST_PER_APPROVER[protocol]) {
        throw new DomainError("rate_limited", "whoever has to approve is asked too much already");
      }
    },
  };
}

import { createHash } from "node:crypto";

import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { networkOf } from "../parts/network.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeProtocol, DischargeSubject } from "../ports/discharge-requests.ts";
import type { Repositories } from "../ports/store.ts";

/** Requests that may wait for one asker. */
const MOST_OF_ASKER = 50;

/** The same that showed one link. */
const MOST_OF_LINK = 5;

/**
 * Approvals that may wait for one person or group. Those of stock bakery clients, who need no token to ask, are counted
 * apart: they cannot keep out the others.
 */
const MOST_FOR_APPROVER = { native: 1_000, bakery: 20 } as const;

/** The share that one asker may take of the places that are left with an approver. */
const SHARE = 1 / 4;

/** Requests a second, and at once, of one caller. */
const ASKING = { perSecond: 2, burst: 40, maxKeys: 50_000 };

/** What keeps anyone from asking without end. */
export interface DischargeLimits {
  /** Names whoever asks: who they are, or where they ask from. @throws DomainError `rate_limited` */
  admit(caller: Caller | undefined, from: string): Uint8Array;
  /**
   * Refuses a request that was just inserted, where too many wait. What a person is about to answer is never pushed
   * out: the newcomer is refused.
   *
   * @throws DomainError `rate_limited`, naming what is full
   */
  requireRoom(
    repositories: Repositories,
    request: {
      readonly callerHash: Uint8Array;
      readonly link: string | null;
      /** Links above the shown one. */
      readonly depth: number;
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

function full(what: string): DomainError {
  return new DomainError("rate_limited", `${what}: wait until some are answered or have expired`);
}

/** Names the asker who shows a token: the person whose token it is, from wherever it is asked. */
export function askerOf(subject: DischargeSubject): Uint8Array {
  return hashOf(`principal\n${subject.platform}\n${subject.principal.id}`);
}

function hashOf(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update("bakehouse discharge caller v1\0").update(name).digest());
}

export function createDischargeLimits(options: { readonly clock: Clock }): DischargeLimits {
  const asking = createRateLimit({ clock: options.clock, ...ASKING });
  return {
    admit(caller, from) {
      const name = nameOf(caller, from);
      if (!asking.take(name))
        throw new DomainError("rate_limited", "too many requests for discharges at once");
      return hashOf(name);
    },
    async requireRoom({ dischargeRequests }, { callerHash, link, depth, approverKeys, protocol }, now) {
      const { ofLink, ofAsker } = await dischargeRequests.waitingOf({ callerHash, link, depth }, now);
      if (ofLink > MOST_OF_LINK) throw full(`${MOST_OF_LINK} requests of this token wait already`);
      if (ofAsker > MOST_OF_ASKER) throw full(`${MOST_OF_ASKER} requests of this asker wait already`);
      if (approverKeys.length === 0) return;
      const most = MOST_FOR_APPROVER[protocol];
      for (const waiting of await dischargeRequests.waitingFor(approverKeys, { callerHash, protocol }, now)) {
        if (waiting.all > most)
          throw full(`${most} requests wait already for the people who have to approve`);
        const share = Math.max(1, Math.floor((most - waiting.all) * SHARE));
        if (waiting.ofAsker > share) {
          throw full(`${share} requests of this asker wait already for the people who have to approve`);
        }
      }
    },
  };
}

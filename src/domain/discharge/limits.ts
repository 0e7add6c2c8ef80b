import { createHash } from "node:crypto";

import type { Caller } from "../caller.ts";
import { DomainError } from "../parts/error.ts";
import { networkOf } from "../parts/network.ts";
import { createRateLimit } from "../parts/rate-limit.ts";
import type { Clock } from "../ports/clock.ts";
import type { DischargeProtocol, DischargeSubject } from "../ports/discharge-requests.ts";
import type { Repositories } from "../ports/store.ts";

/** How many requests may wait. */
export interface WaitingLimits {
  /** Of those that showed one link, links below it aside. */
  readonly link: number;
  readonly asker: number;
  /** Approvals, for one person or group. */
  readonly approver: number;
}

const USUAL: WaitingLimits = { link: 5, asker: 50, approver: 1_000 };

/**
 * Approvals of stock bakery clients that may wait for one person or group. They need no token to ask, and are counted
 * apart: they cannot keep out the others.
 */
const MOST_OF_BAKERY = 20;

/** No request has this id. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

/** Milliseconds between two lines of the log that say that the same is full. */
const SAID_AGAIN = 60_000;

/** The share that one asker may take of the places that are left with an approver. */
const SHARE = 1 / 4;

/** Requests a second, and at once, of one caller. */
const ASKING = { perSecond: 2, burst: 40, maxKeys: 50_000 };

/** The bounds that keep anyone from asking without end. */
export interface DischargeLimits {
  /** Names the asker: the person, or the network that the question comes from. @throws DomainError `rate_limited` */
  admit(caller: Caller | undefined, from: string): Uint8Array;
  /**
   * Refuses a request that was just inserted, if too many wait. A request that a person is about to answer is never pushed
   * out: the newcomer is refused.
   *
   * @throws DomainError `rate_limited`, naming the full limit
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

/** Names the asker who shows a token: the token's person, from any address. */
export function askerOf(subject: DischargeSubject): Uint8Array {
  return hashOf(`principal\n${subject.platform}\n${subject.principal.id}`);
}

function hashOf(name: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update("bakehouse discharge caller v1\0").update(name).digest());
}

/**
 * Waits for the other requests of the asker that are being counted, which see each other only once they are committed. The
 * turn is a place that nobody keeps: its row is held until the transaction ends, whether it could be taken or not.
 */
async function takeTurn(
  { liveDischarges }: Repositories,
  callerHash: Uint8Array,
  now: number,
): Promise<void> {
  const place = createHash("sha256").update("bakehouse asking v1\0").update(callerHash).digest();
  await liveDischarges.take({ place: new Uint8Array(place), requestId: NOBODY, livesUntil: now }, now);
}

/**
 * Makes the limits.
 *
 * @param options.waiting those that differ from the usual ones
 * @param options.onFull told of a full limit, at most once a minute for each limit
 */
export function createDischargeLimits(options: {
  readonly clock: Clock;
  readonly waiting?: Partial<WaitingLimits> | undefined;
  readonly onFull: (limit: keyof WaitingLimits, most: number) => void;
}): DischargeLimits {
  const { clock, onFull } = options;
  const limits = { ...USUAL, ...options.waiting };
  const said = new Map<keyof WaitingLimits, number>();

  /** The refusal at a limit, told to the operator too. */
  function full(limit: keyof WaitingLimits, most: number, what: string): DomainError {
    const now = clock.monotonic();
    if (now - (said.get(limit) ?? Number.NEGATIVE_INFINITY) >= SAID_AGAIN) {
      said.set(limit, now);
      onFull(limit, most);
    }
    return new DomainError("rate_limited", `${what}: wait until some are answered or have expired`);
  }

  const asking = createRateLimit({ clock: options.clock, ...ASKING });
  return {
    admit(caller, from) {
      const name = nameOf(caller, from);
      if (!asking.take(name))
        throw new DomainError("rate_limited", "too many requests for discharges at once");
      return hashOf(name);
    },
    async requireRoom(repositories, request, now) {
      const { callerHash, link, depth, approverKeys, protocol } = request;
      const { dischargeRequests } = repositories;
      await takeTurn(repositories, callerHash, now);
      const { ofLink, ofAsker } = await dischargeRequests.waitingOf({ callerHash, link, depth }, now);
      if (ofLink > limits.link) {
        throw full("link", limits.link, `${limits.link} requests of this token wait already`);
      }
      if (ofAsker > limits.asker) {
        throw full("asker", limits.asker, `${limits.asker} requests of this asker wait already`);
      }
      if (approverKeys.length === 0) return;
      const most = protocol === "native" ? limits.approver : MOST_OF_BAKERY;
      for (const waiting of await dischargeRequests.waitingFor(approverKeys, { callerHash, protocol }, now)) {
        if (waiting.all > most) {
          throw full("approver", most, `${most} requests wait already for the people who have to approve`);
        }
        const share = Math.max(1, Math.floor((most - waiting.all) * SHARE));
        if (waiting.ofAsker > share) {
          const what = `${share} requests of this asker wait already for the people who have to approve`;
          throw full("approver", share, what);
        }
      }
    },
  };
}

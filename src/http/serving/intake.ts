import type { IncomingMessage } from "node:http";

import { DomainError } from "../../domain/parts/error.ts";
import { networkOf } from "../../domain/parts/network.ts";
import { createRateLimit } from "../../domain/parts/rate-limit.ts";
import { createClosing } from "./closing.ts";

/** Bounds of the bodies that a process receives at one time. */
export interface IntakeLimits {
  /** Bodies on their way, of everybody and of one peer. */
  readonly bodies: number;
  readonly bodiesOfPeer: number;
  /** Bytes that they may come to. */
  readonly bytes: number;
  readonly bytesOfPeer: number;
  /** The share of each that callers may fill whose credential is not known to be good. */
  readonly share: number;
  /** Bodies over `large` bytes that such callers of one peer may send: at once, and a second after that. */
  readonly large: number;
  readonly largeAtOnce: number;
  readonly largePerSecond: number;
  /** Milliseconds between two looks at each body, and bytes that each must have brought in between. */
  readonly look: number;
  readonly progress: number;
}

const MIB = 1024 * 1024;

/** The bounds in use, unless a test sets others. */
export const INTAKE_LIMITS: IntakeLimits = {
  bodies: 1_024,
  bodiesOfPeer: 256,
  bytes: 256 * MIB,
  bytesOfPeer: 64 * MIB,
  share: 3 / 4,
  large: 16 * 1024,
  largeAtOnce: 100,
  largePerSecond: 20,
  look: 5_000,
  progress: 5 * 1024,
};

/** Nothing reads more of a body than this, whatever it announces. */
const MOST_READ = 16 * MIB;

/** What a body without an announced length is taken for, until more of it has come. */
const UNANNOUNCED = 64 * 1024;

/** The bodies that are on their way to a process. */
export interface Intake {
  /**
   * Lets a request's body come in, and counts it until it has. A body that came with its head is not counted: so
   * those who send whole requests are not refused for those who don't. Large ones of strangers are rated in any case: each
   * leaves a hundred kilobytes for the collector to find, and only with a credential are there many to send.
   *
   * @param length the announced length, bytes; undefined for a chunked body
   * @param from the address that is counted for
   * @param isKnown whether the credential in its head is good: a part of the room is kept for those
   * @returns the refusal, `rate_limited` for what one peer does and `unavailable` for what all do together
   */
  admit(
    incoming: IncomingMessage,
    length: number | undefined,
    from: string,
    isKnown: boolean,
  ): DomainError | undefined;
}

/** Networks whose large bodies are rated at one time. */
const MOST_RATED = 10_000;

/** Whether a request's body has come, or has none. */
function hasArrived(incoming: IncomingMessage, length: number | undefined): boolean {
  return incoming.complete || (length !== undefined && incoming.readableLength >= length);
}

interface Load {
  bodies: number;
  bytes: number;
}

interface Lease {
  readonly incoming: IncomingMessage;
  readonly peer: string;
  /** Bytes that are counted for it. */
  bytes: number;
  /** The socket's count when the body began, and at the last look. */
  readonly began: number;
  seen: number;
  /** Whether it was there at the last look: only then it had the whole time between two to bring something. */
  isOld: boolean;
}

/**
 * Bounds the bodies that are on their way, and closes connections that bring theirs too slowly: a body that stalls at
 * its last byte holds all the bytes before.
 */
export function createIntake(limits: IntakeLimits = INTAKE_LIMITS): Intake {
  const leases = new Set<Lease>();
  const peers = new Map<string, Load>();
  const all: Load = { bodies: 0, bytes: 0 };
  const large = createRateLimit({
    clock: { monotonic: () => performance.now() },
    perSecond: limits.largePerSecond,
    burst: limits.largeAtOnce,
    maxKeys: MOST_RATED,
  });
  const close = createClosing();
  let timer: NodeJS.Timeout | undefined;

  function count(peer: string, bodies: number, bytes: number): void {
    const load = peers.get(peer) ?? { bodies: 0, bytes: 0 };
    for (const one of [all, load]) {
      one.bodies += bodies;
      one.bytes += bytes;
    }
    if (load.bodies > 0) peers.set(peer, load);
    else peers.delete(peer);
  }

  function refusal(peer: string, bytes: number, isKnown: boolean): DomainError | undefined {
    const load = peers.get(peer) ?? { bodies: 0, bytes: 0 };
    const share = isKnown ? 1 : limits.share;
    const isFull = ({ bodies, bytes: held }: Load, most: Load) =>
      bodies >= most.bodies * share || held + bytes > most.bytes * share;
    if (isFull(load, { bodies: limits.bodiesOfPeer, bytes: limits.bytesOfPeer })) {
      return new DomainError("rate_limited", "too many bodies are on their way from this address");
    }
    if (isFull(all, limits)) {
      return new DomainError("unavailable", "too many bodies are on their way");
    }
    return undefined;
  }

  function end(lease: Lease): void {
    if (!leases.delete(lease)) return;
    count(lease.peer, -1, -lease.bytes);
    if (leases.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function look(): void {
    for (const lease of leases) {
      const { socket, complete } = lease.incoming;
      const read = socket.bytesRead;
      const grown = Math.max(0, Math.min(read - lease.began, MOST_READ) - lease.bytes);
      lease.bytes += grown;
      count(lease.peer, 0, grown);
      const isOver = grown > 0 && (peers.get(lease.peer)?.bytes ?? 0) > limits.bytesOfPeer;
      const isSlow = lease.isOld && !complete && read - lease.seen < limits.progress;
      if (isOver || isSlow) close(socket);
      lease.seen = read;
      lease.isOld = true;
    }
  }

  return {
    admit(incoming, length, from, isKnown) {
      const isLarge = length === undefined ? !incoming.complete : length > limits.large;
      const isRated = isLarge && !isKnown;
      const isHere = hasArrived(incoming, length);
      // Nearly all bodies: nothing is counted, so that nobody's network has to be known.
      if (isHere && !isRated) return undefined;
      const peer = networkOf(from);
      if (isRated && !large.take(peer)) {
        return new DomainError(
          "rate_limited",
          "too many large bodies come from this address without a credential",
        );
      }
      if (isHere) return undefined;
      const bytes = Math.min(length ?? UNANNOUNCED, MOST_READ);
      const refused = refusal(peer, bytes, isKnown);
      if (refused !== undefined) return refused;
      const read = incoming.socket.bytesRead;
      const lease: Lease = { incoming, peer, bytes, began: read, seen: read, isOld: false };
      leases.add(lease);
      count(peer, 1, bytes);
      const ended = () => end(lease);
      incoming.once("end", ended);
      incoming.once("close", ended);
      timer ??= setInterval(look, limits.look).unref();
      return undefined;
    },
  };
}

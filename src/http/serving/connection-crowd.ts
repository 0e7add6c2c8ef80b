import { type Block, contains, parseAddress } from "../../caveats/values/address.ts";
import { networkOf } from "../../domain/parts/network.ts";
import { createRateLimit } from "../../domain/parts/rate-limit.ts";
import type { Clock } from "../../domain/ports/clock.ts";
import { plainAddress } from "../parts/peer.ts";

/** Bounds of the connections that a process holds. */
export interface ConnectionLimits {
  readonly most: number;
  readonly mostOfPeer: number;
}

/** The bounds in use, unless a test sets others. */
const CONNECTION_LIMITS: ConnectionLimits = { most: 8_192, mostOfPeer: 1_024 };

/**
 * Idle connections that newcomers of one peer push out a second, and at once. Without it a peer with more connections than
 * it may have would have each of them opened, answered and closed again without end.
 */
const PUSHING = { perSecond: 20, burst: 200, maxKeys: 10_000 };

/** The place of one connection. */
export interface Place {
  /** Notes that a request has come, which is no reason to give way any more. */
  begin(): void;
  /** Notes that a request has been answered. */
  end(): void;
  /** Gives the place back. */
  leave(): void;
}

/** The connections that wait for a request, the longest idle first: a set keeps the order of insertion. */
type Idle = Set<() => void>;

interface Peer {
  count: number;
  readonly idle: Idle;
  /** When its newcomers may push others out again, by the monotonic clock. */
  pushesFrom: number;
}

/**
 * Counts connections, of everybody and of each peer. Where they are too many, the one that has been idle for longest
 * gives way to a newcomer: whoever holds connections without asking anything keeps nobody out.
 *
 * @param trustedProxies peers that stand for many: each may have as many connections as there are
 */
export function createConnectionCrowd(
  limits: ConnectionLimits = CONNECTION_LIMITS,
  trustedProxies: readonly Block[] = [],
  clock: Pick<Clock, "monotonic"> = { monotonic: () => performance.now() },
) {
  const peers = new Map<string, Peer>();
  const idle: Idle = new Set();
  const pushing = createRateLimit({ clock, ...PUSHING });
  let all = 0;

  function mostOf(address: string): number {
    const parsed = trustedProxies.length === 0 ? undefined : parseAddress(address);
    const isProxy = parsed !== undefined && trustedProxies.some((block) => contains(block, parsed));
    return isProxy ? limits.most : limits.mostOfPeer;
  }

  /** Makes room by closing the longest idle connection. @returns whether there was one, and the newcomer may push it out */
  function makeRoom(among: Idle, newcomer: string): boolean {
    if (among.size === 0) return false;
    if (!pushing.take(newcomer)) {
      const peer = peers.get(newcomer);
      if (peer !== undefined) peer.pushesFrom = clock.monotonic() + 1_000 / PUSHING.perSecond;
      return false;
    }
    for (const give of among) {
      give();
      return true;
    }
    return false;
  }

  return {
    /** Whether a connection from there might be let in. If not, it would have to push one out, and none is idle or it may not. */
    hasRoomFor(remoteAddress: string): boolean {
      const address = plainAddress(remoteAddress);
      const known = peers.get(networkOf(address));
      const pushes = known === undefined || clock.monotonic() >= known.pushesFrom;
      if (known !== undefined && known.count >= mostOf(address)) return known.idle.size > 0 && pushes;
      return all < limits.most || (idle.size > 0 && pushes);
    },

    /** @returns undefined if there is no room for the connection. @param close closes it, where it has to give way */
    enter(remoteAddress: string | undefined, close: () => void): Place | undefined {
      const address = plainAddress(remoteAddress ?? "");
      const name = networkOf(address);
      const known = peers.get(name);
      if (known !== undefined && known.count >= mostOf(address) && !makeRoom(known.idle, name))
        return undefined;
      if (all >= limits.most && !makeRoom(idle, name)) return undefined;
      const peer = peers.get(name) ?? { count: 0, idle: new Set(), pushesFrom: 0 };
      peers.set(name, peer);
      peer.count++;
      all++;
      let requests = 0;
      let isThere = true;
      const give = () => {
        leave();
        close();
      };
      function rest(): void {
        idle.add(give);
        peer.idle.add(give);
      }
      function rise(): void {
        idle.delete(give);
        peer.idle.delete(give);
      }
      function leave(): void {
        if (!isThere) return;
        isThere = false;
        rise();
        all--;
        peer.count--;
        if (peer.count === 0) peers.delete(name);
      }
      rest();
      return {
        begin() {
          if (requests++ === 0) rise();
        },
        end() {
          if (--requests === 0 && isThere) rest();
        },
        leave,
      };
    },
  };
}

import { networkOf } from "../../domain/parts/network.ts";
import { plainAddress } from "../parts/peer.ts";

/** Bounds of the connections that a process holds. */
export interface ConnectionLimits {
  readonly most: number;
  readonly mostOfPeer: number;
}

/** The bounds in use, unless a test sets others. A proxy is one peer, for all that stand behind it. */
const CONNECTION_LIMITS: ConnectionLimits = { most: 8_192, mostOfPeer: 4_096 };

/** Counts connections, of everybody and of each peer. */
export function createConnectionCrowd(limits: ConnectionLimits = CONNECTION_LIMITS) {
  const peers = new Map<string, number>();
  let all = 0;
  return {
    /** @returns what takes the connection out again; undefined if there is no room for it */
    enter(address: string | undefined): (() => void) | undefined {
      const peer = networkOf(plainAddress(address ?? ""));
      const own = peers.get(peer) ?? 0;
      if (all >= limits.most || own >= limits.mostOfPeer) return undefined;
      all++;
      peers.set(peer, own + 1);
      return () => {
        all--;
        const left = (peers.get(peer) ?? 1) - 1;
        if (left > 0) peers.set(peer, left);
        else peers.delete(peer);
      };
    },
  };
}

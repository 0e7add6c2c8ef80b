import type { Socket } from "node:net";

import { createClosing } from "./closing.ts";

/** Bounds of the answers that callers have not taken yet. */
export interface UnsentLimits {
  /** Bytes of all together, and of one peer whose connections take nothing. */
  readonly bytes: number;
  readonly bytesOfPeer: number;
  /** Milliseconds between two looks. */
  readonly look: number;
  /** Looks after which a connection must have taken `progress` bytes of what it was sent. */
  readonly looks: number;
  readonly progress: number;
}

const MIB = 1024 * 1024;

/** The bounds in use, unless a test sets others. */
export const UNSENT_LIMITS: UnsentLimits = {
  bytes: 256 * MIB,
  bytesOfPeer: 64 * MIB,
  look: 1_000,
  looks: 15,
  progress: 15 * 1024,
};

/** Bytes between two looks below which a connection takes nothing. */
const NOTHING = 1_024;

interface Held {
  readonly socket: Socket;
  readonly peer: string;
  bytes: number;
  taken: number;
  isStuck: boolean;
  /** The count of taken bytes when its time began, and the looks since. */
  from: number;
  looks: number;
}

/** Bytes that the system has taken from a connection so far: one large write counts as it goes out, not at its end. */
function takenBy(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, "_handle");
  if (typeof handle === "object" && handle !== null) {
    const written: unknown = Reflect.get(handle, "bytesWritten");
    const queued: unknown = Reflect.get(handle, "writeQueueSize");
    if (typeof written === "number" && typeof queued === "number") return written - queued;
  }
  return socket.bytesWritten - socket.writableLength;
}

/**
 * Watches what was answered and not taken: closes connections that take too little of it, and where they hold too much
 * together those first that take nothing.
 *
 * @param peerOf names whom a connection is counted for
 * @returns looks once
 */
export function createUnsentWatch(
  connections: Iterable<Socket>,
  peerOf: (socket: Socket) => string,
  limits: UnsentLimits = UNSENT_LIMITS,
): () => void {
  const close = createClosing();
  let before = new Map<Socket, Held>();

  function lookAt(socket: Socket): Held {
    const taken = takenBy(socket);
    const bytes = socket.writableLength;
    const known = before.get(socket);
    if (known === undefined) {
      return { socket, peer: peerOf(socket), bytes, taken, isStuck: false, from: taken, looks: 0 };
    }
    known.isStuck = taken - known.taken < NOTHING;
    known.bytes = bytes;
    known.taken = taken;
    known.looks++;
    return known;
  }

  function isSlow(held: Held): boolean {
    if (held.looks < limits.looks) return false;
    const slow = held.taken - held.from < limits.progress;
    held.from = held.taken;
    held.looks = 0;
    return slow;
  }

  return () => {
    const now = new Map<Socket, Held>();
    for (const socket of connections) {
      if (socket.writableLength === 0 || socket.destroyed) continue;
      const held = lookAt(socket);
      if (isSlow(held)) close(socket);
      else now.set(socket, held);
    }
    before = now;
    const ofPeers = new Map<string, number>();
    let all = 0;
    for (const { peer, bytes } of now.values()) {
      all += bytes;
      ofPeers.set(peer, (ofPeers.get(peer) ?? 0) + bytes);
    }
    if (all <= limits.bytes && [...ofPeers.values()].every((bytes) => bytes <= limits.bytesOfPeer)) return;
    const first = [...now.values()].sort(
      (a, b) => Number(b.isStuck) - Number(a.isStuck) || b.bytes - a.bytes,
    );
    for (const { socket, peer, bytes, isStuck } of first) {
      const ofPeer = ofPeers.get(peer) ?? 0;
      if (all <= limits.bytes && !(isStuck && ofPeer > limits.bytesOfPeer)) continue;
      close(socket);
      now.delete(socket);
      all -= bytes;
      ofPeers.set(peer, ofPeer - bytes);
    }
  };
}

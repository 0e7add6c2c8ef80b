import type { Socket } from "node:net";

/** Bounds of the connections that wait to be closed. */
export interface TurnedAwayLimits {
  readonly most: number;
  /** Milliseconds until each is closed. */
  readonly wait: number;
}

/** The bounds in use, unless a test sets others. A connection that nobody reads costs a descriptor and some kilobytes. */
const TURNED_AWAY_LIMITS: TurnedAwayLimits = { most: 1_024, wait: 5_000 };

/**
 * Holds connections that are turned away, unread, for a while before each is closed. A flooder opens another connection as
 * soon as one is closed, and accepting one costs the process more than leaving it alone.
 */
export function createTurnedAway({ most, wait }: TurnedAwayLimits = TURNED_AWAY_LIMITS) {
  const ends = new Map<Socket, NodeJS.Timeout>();

  function close(socket: Socket): void {
    clearTimeout(ends.get(socket));
    ends.delete(socket);
    socket.destroy();
  }

  return {
    hasRoom: () => ends.size < most,

    /** @param socket is paused, and closed at once if there is no room. */
    hold(socket: Socket): void {
      socket.on("error", () => {}); // a peer that goes away ends nothing but its connection
      if (ends.size >= most) {
        socket.destroy();
        return;
      }
      socket.pause();
      ends.set(socket, setTimeout(close, wait, socket).unref());
    },

    closeAll(): void {
      for (const socket of ends.keys()) close(socket);
    },
  };
}

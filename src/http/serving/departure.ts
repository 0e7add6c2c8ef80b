import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Ends connections by their answers, once this process is about to go. */
export interface Departure {
  /** From now on each answer is the last of its connection, and says so (RFC 9112 §9.6). */
  begin(): void;
  /** Takes note of a request, before its answer is begun. */
  arrived(response: ServerResponse): void;
  /** Sees to an answer that other code writes: its header, and the end of its connection. */
  track(response: ServerResponse): void;
  /** Whether an answer that is about to be written must say `Connection: close`. */
  isLast(response: ServerResponse): boolean;
}

/**
 * Makes a departure that has not begun.
 *
 * A connection that is closed while a request is on its way loses that request, and the service cannot know when
 * none is. So the caller is told by an answer, and asks elsewhere from then on. Of requests that were sent one behind
 * the other without waiting, the newest one's answer says it, because those behind it would get none.
 */
export function createDeparture(): Departure {
  const underway = new Set<ServerResponse>();
  const newest = new WeakMap<Socket, ServerResponse>();
  let begun = false;

  function isLast(response: ServerResponse): boolean {
    return begun && newest.get(response.req.socket) === response;
  }

  function note(response: ServerResponse): void {
    const { socket } = response.req;
    const before = newest.get(socket);
    newest.set(socket, response);
    if (begun && before !== undefined && !before.headersSent) before.removeHeader("connection");
  }

  function mark(response: ServerResponse): void {
    if (!response.headersSent) {
      if (isLast(response)) response.setHeader("connection", "close");
      return;
    }
    // The head of an event stream is out: only the end of its connection is left to say it.
    const { socket } = response.req;
    response.once("finish", () => socket.destroySoon());
  }

  return {
    begin() {
      begun = true;
      for (const response of underway) mark(response);
    },
    arrived: note,
    track(response) {
      underway.add(response);
      response.once("close", () => underway.delete(response));
      if (begun) mark(response);
    },
    isLast,
  };
}

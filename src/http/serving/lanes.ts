import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Requests of one connection that wait behind one that is not answered yet; past that the connection is closed. */
const MOST_WAITING = 128;

interface Waiting {
  readonly response: ServerResponse;
  readonly run: () => void;
}

/**
 * Answers the requests of one connection one after the other, each only once the answer before it has gone out: a caller
 * that asks without reading has one answer made, and no more.
 */
export function createLanes(most = MOST_WAITING): (response: ServerResponse, run: () => void) => void {
  const lanes = new WeakMap<Socket, Waiting[]>();

  function begin(socket: Socket, lane: Waiting[], { response, run }: Waiting): void {
    // It closes once, so that nothing has to be taken off.
    response.on("close", () => {
      const next = lane.shift();
      if (next === undefined) lanes.delete(socket);
      else if (!socket.destroyed) begin(socket, lane, next);
    });
    run();
  }

  return (response, run) => {
    const { socket } = response.req;
    const lane = lanes.get(socket);
    if (lane === undefined) {
      const first: Waiting[] = [];
      lanes.set(socket, first);
      begin(socket, first, { response, run });
    } else if (lane.length < most) lane.push({ response, run });
    else socket.destroy();
  };
}

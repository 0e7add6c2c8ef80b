import type { Socket } from "node:net";

/** Connections that are closed in one turn of the event loop. Each may end a request, which costs up to half a millisecond. */
const IN_A_TURN = 8;

/** Closes connections a few a turn, so that hundreds that are late at once keep nobody waiting. */
export function createClosing(inTurn = IN_A_TURN): (socket: Socket) => void {
  const late = new Set<Socket>();

  function closeSome(): void {
    let count = 0;
    for (const socket of late) {
      late.delete(socket);
      socket.destroy();
      if (++count === inTurn) break;
    }
    if (late.size > 0) setImmediate(closeSome);
  }

  return (socket) => {
    if (late.size === 0) setImmediate(closeSome);
    late.add(socket);
  };
}

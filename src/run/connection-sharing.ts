import type { Worker } from "node:cluster";
import { createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { closePort } from "../http/serving/quiet-turn.ts";

/** Hands the connections of one port to several processes. */
export interface ConnectionSharing {
  /** Opens the port. Rejects if it cannot be had. */
  listen(port: number, host: string): Promise<void>;
  /** Gives connections to a worker from now on. */
  add(worker: Worker): void;
  /** Gives it no more. Resolves once it has taken the connection on its way to it, or soon if it takes nothing. */
  remove(worker: Worker): Promise<void>;
  /** Closes the port. Resolves once all that was accepted has been taken, or soon if nobody takes it. */
  closeDoor(): Promise<void>;
}

/** A message that comes with a connection, and the answer to it. */
export const CONNECTION = "connection";
export const TAKEN = "taken";

/** Milliseconds for which a worker is waited for that takes nothing. */
const PATIENCE = 1_000;

/**
 * Makes a port that is not open yet.
 *
 * Each worker has at most one connection on its way, so that one that hangs gets no more; a connection on its way to one
 * that died goes to another. Node's own cluster would do the same, but for the end: it drops the ones that it holds when the
 * last worker leaves.
 */
export function shareConnections(): ConnectionSharing {
  const server = createServer({ pauseOnConnect: true });
  const members = new Set<Worker>();
  const free: Worker[] = []; // the one that has been free for longest is first
  const waiting: Socket[] = [];
  const onTheWay = new Map<Worker, Socket>();
  let arrivals = 0;
  let moved = () => {};

  server.on("connection", (socket: Socket) => {
    arrivals += 1;
    socket.on("error", () => {}); // it is told to whoever takes it
    waiting.push(socket);
    give();
  });

  function give(): void {
    while (waiting.length > 0 && free.length > 0) {
      const [socket, worker] = [waiting.shift(), free.shift()];
      if (socket === undefined || worker === undefined) return;
      onTheWay.set(worker, socket);
      // Kept open here until it is taken. A failure is told by the worker's end.
      worker.send(CONNECTION, socket, { keepOpen: true }, () => {});
    }
  }

  function taken(worker: Worker): void {
    onTheWay.get(worker)?.destroy();
    onTheWay.delete(worker);
    if (members.has(worker)) free.push(worker);
    give();
    moved();
  }

  function retire(worker: Worker): void {
    members.delete(worker);
    const at = free.indexOf(worker);
    if (at >= 0) free.splice(at, 1);
  }

  function lose(worker: Worker): void {
    retire(worker);
    const socket = onTheWay.get(worker);
    onTheWay.delete(worker);
    if (socket !== undefined) waiting.unshift(socket);
    give();
    moved();
  }

  async function until(settled: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE;
    while (!settled() && performance.now() < end) {
      const move = new Promise<void>((resolve) => {
        moved = resolve;
      });
      await Promise.race([move, pause(PATIENCE / 20)]);
    }
  }

  return {
    async listen(port, host) {
      await new Promise<void>((resolve, reject) => {
        server.on("error", reject); // and for good: a connection that cannot be accepted is no reason to end
        server.listen({ port, host, exclusive: true }, resolve);
      });
    },

    add(worker) {
      members.add(worker);
      free.push(worker);
      worker.on("message", (message: unknown) => {
        if (message === TAKEN) taken(worker);
      });
      worker.once("exit", () => lose(worker));
      give();
    },

    async remove(worker) {
      retire(worker);
      await until(() => !onTheWay.has(worker));
    },

    async closeDoor() {
      await closePort(server, () => arrivals);
      await until(() => waiting.length === 0 && onTheWay.size === 0);
    },
  };
}

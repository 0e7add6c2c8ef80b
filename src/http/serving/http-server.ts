import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import {
  BlockList,
  createServer as createDoor,
  type Server as Door,
  type Socket,
  type SocketAddress,
} from "node:net";
import { setTimeout as pause } from "node:timers/promises";

import { networkOf } from "../../domain/parts/network.ts";
import { plainAddress } from "../parts/peer.ts";
import { createConnectionCrowd, type Place } from "./connection-crowd.ts";
import type { Departure } from "./departure.ts";
import { refuseExpectation, refuseParsed } from "./http-refusals.ts";
import { closePort, inQuietTurn } from "./quiet-turn.ts";
import { createTurnedAway } from "./turned-away.ts";
import { createUnsentWatch, UNSENT_LIMITS, type UnsentLimits } from "./unsent.ts";

/** A bundle is at most 64 KiB; the rest is for the other headers. */
const MAX_HEADER_BYTES = 96 * 1024;

/**
 * Milliseconds for which a connection that says nothing is kept after the port was closed: time for a request that
 * is on its way, and for a caller that opened a connection and has not asked yet.
 */
const SETTLE = 2_500;

/** Bytes of a body that are read before anybody asks for it: less than Node reads in one piece, so that a refused one takes one. */
const READ_AHEAD = 32 * 1024;

/** Milliseconds between two looks for connections that have fallen idle. */
const LOOK = 50;

/** The HTTP server of one process. */
export interface HttpServer {
  /** @returns the port. Rejects where it cannot be had. */
  listen(port: number, host: string): Promise<number>;
  /** Answers what is asked over a connection that another process has accepted. */
  take(connection: Socket): void;
  /** Takes no new connections any more, and says on each answer that it is its connection's last. */
  closeDoor(): Promise<void>;
  /**
   * Resolves once every connection is closed: those that are idle after a while, and all others at the latest when
   * `limit` milliseconds are over.
   */
  drain(limit: number): Promise<void>;
}

/**
 * Turns connections away before Node makes anything for them: a socket, a parser and their timers cost a hundred
 * microseconds, and a crowd comes back a thousand times a second. Node asks its list of blocked addresses, so this is one.
 */
class DoorKeeper extends BlockList {
  readonly #turnsAway: (address: string) => boolean;

  constructor(turnsAway: (address: string) => boolean) {
    super();
    this.#turnsAway = turnsAway;
  }

  override check(address: string | SocketAddress): boolean {
    return this.#turnsAway(typeof address === "string" ? address : address.address);
  }
}

/** Makes a server that does not listen yet. */
export function createHttpServer(
  listener: RequestListener,
  departure: Departure,
  crowd = createConnectionCrowd(),
  unsent: UnsentLimits = UNSENT_LIMITS,
  turnedAway = createTurnedAway(),
): HttpServer {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      // How often Node looks for heads and requests that are late: 30 seconds unless said.
      connectionsCheckingInterval: 2_000,
      keepAliveTimeout: 65_000,
      // Those without one are refused by the app, with a problem document.
      requireHostHeader: false,
    },
    listener,
  );
  server.on("clientError", refuseParsed);
  server.on("checkExpectation", refuseExpectation);
  const connections = new Map<Socket, Place>();
  const lookForUnsent = createUnsentWatch({ [Symbol.iterator]: () => connections.keys() }, peerOf, unsent);
  let looking: NodeJS.Timeout | undefined;
  let arrivals = 0;
  let left = () => {};
  // Node begins to watch how long requests take to come when it listens, which a server behind a door never does.
  server.emit("listening");

  const blockList = new DoorKeeper((address) => !crowd.hasRoomFor(address) && !turnedAway.hasRoom());
  // Paused, so that nothing is read of those that are turned away.
  const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark: READ_AHEAD };
  const door = createDoor({ ...options, blockList }, letIn);

  function letIn(socket: Socket): void {
    arrivals += 1;
    const place = crowd.enter(socket.remoteAddress, () => socket.destroy());
    if (place === undefined) {
      turnedAway.hold(socket);
      return;
    }
    connections.set(socket, place);
    server.emit("connection", socket);
    socket.resume();
    looking ??= setInterval(lookForUnsent, unsent.look).unref();
    socket.once("close", () => {
      place.leave();
      connections.delete(socket);
      if (connections.size > 0) return;
      clearInterval(looking);
      looking = undefined;
      left();
    });
  }

  server.prependListener("request", ({ socket }: IncomingMessage, response: ServerResponse) => {
    const place = connections.get(socket);
    if (place === undefined) return;
    place.begin();
    // It closes once, so that nothing has to be taken off.
    response.on("close", place.end);
  });

  async function closeIdle(): Promise<void> {
    // Run once before: the first time takes as long as many requests need to arrive.
    createServer().closeIdleConnections();
    while (connections.size > 0) {
      await inQuietTurn(() => {
        server.closeIdleConnections();
        // Node counts a connection on which nothing was ever said among those that are busy.
        for (const socket of connections.keys()) if (socket.bytesRead === 0) socket.destroy();
      });
      await pause(LOOK);
    }
  }

  return {
    listen: (port, host) => listen(door, port, host),

    take(connection) {
      connection.setNoDelay(true);
      connection.allowHalfOpen = true;
      letIn(connection);
    },

    async closeDoor() {
      await closePort(door, () => arrivals);
      // Not before: a caller whose connection has ended opens another one at once.
      departure.begin();
    },

    async drain(limit) {
      turnedAway.closeAll();
      const settled = setTimeout(() => void closeIdle(), SETTLE);
      const end = setTimeout(() => server.closeAllConnections(), limit);
      await new Promise<void>((resolve) => {
        left = resolve;
        if (connections.size === 0) resolve();
      });
      clearTimeout(settled);
      clearTimeout(end);
    },
  };
}

function peerOf({ remoteAddress }: Socket): string {
  return networkOf(plainAddress(remoteAddress ?? ""));
}

function listen(server: Door, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on("error", reject); // and for good: a connection that cannot be accepted is no reason to end
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

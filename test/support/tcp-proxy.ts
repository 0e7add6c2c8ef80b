import { connect, createServer, type Socket } from "node:net";

/** A proxy between a service and its database, for faults that a server cannot be asked for. */
export interface TcpProxy {
  readonly port: number;
  /** The same URL, through the proxy. */
  through(url: string): string;
  /** Drops all that is sent either way, on open connections and on new ones, and closes none. */
  blackHole(): void;
  /** Does so on every connection over which this text has been or will be sent, and on no other. */
  blackHoleWhere(text: string): void;
  /** How many connections over which this text has been sent pass what is sent. */
  alive(text: string): number;
  /** Passes all that is sent either way so many milliseconds later; at once again with 0. */
  slow(milliseconds: number): void;
  /** Passes everything again. Connections that lost something stay as they are: dead. */
  heal(): void;
  /** Breaks all open connections off. */
  cut(): void;
  /** Breaks all open connections off, and leads new ones to another port; to none if it is undefined. */
  lead(port: number | undefined): void;
  close(): Promise<void>;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  sent: string;
  dead: boolean;
}

/** Makes one way of a connection: what is passed on comes late for as long as that is wanted, and in its order. */
function lane(to: Socket, delay: () => number): (data: Buffer) => void {
  const waiting: { readonly due: number; readonly data: Buffer }[] = [];
  const flush = () => {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const left = first.due - performance.now();
      if (left > 0) {
        setTimeout(flush, left);
        return;
      }
      waiting.shift();
      to.write(first.data);
    }
  };
  return (data) => {
    waiting.push({ due: performance.now() + delay(), data });
    if (waiting.length === 1) flush();
  };
}

/**
 * Starts a proxy to a port of 127.0.0.1.
 *
 * @param first to none if it is undefined, until {@link TcpProxy.lead}
 * @param tap called for each connection; what it returns is shown all that is sent towards the server
 */
export async function startTcpProxy(
  first: number | undefined,
  tap: () => (data: Uint8Array) => void = () => () => {},
): Promise<TcpProxy> {
  const links = new Set<Link>();
  let hole = false;
  let delay = 0;
  let target = first;
  let swallowed: string | undefined;

  const listener = createServer((client) => {
    if (target === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ port: target, host: "127.0.0.1" });
    const link: Link = { client, server, sent: "", dead: hole };
    links.add(link);
    const end = () => {
      // A black hole tells neither side of the other's end.
      if (link.dead && !(client.destroyed && server.destroyed)) return;
      links.delete(link);
      client.destroy();
      server.destroy();
    };
    const see = tap();
    const passes = { toServer: lane(server, () => delay), toClient: lane(client, () => delay) };
    client.on("data", (data: Buffer) => {
      see(data);
      link.sent = (link.sent + data.toString("latin1")).slice(-4_096);
      if (swallowed !== undefined && link.sent.includes(swallowed)) link.dead = true;
      if (!link.dead) passes.toServer(data);
    });
    server.on("data", (data: Buffer) => {
      if (!link.dead) passes.toClient(data);
    });
    for (const socket of [client, server]) {
      socket.on("close", end);
      socket.on("error", end);
    }
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");

  const cut = () => {
    for (const { client, server } of links) {
      client.destroy();
      server.destroy();
    }
  };
  return {
    port: address.port,
    through(url) {
      const proxied = new URL(url);
      proxied.hostname = "127.0.0.1";
      proxied.port = String(address.port);
      return proxied.href;
    },
    blackHole() {
      hole = true;
      for (const link of links) link.dead = true;
    },
    blackHoleWhere(text) {
      swallowed = text;
      for (const link of links) if (link.sent.includes(text)) link.dead = true;
    },
    alive: (text) => [...links].filter(({ sent, dead }) => !dead && sent.includes(text)).length,
    slow(milliseconds) {
      delay = milliseconds;
    },
    heal() {
      hole = false;
      swallowed = undefined;
    },
    cut,
    lead(port) {
      target = port;
      cut();
    },
    close() {
      cut();
      return new Promise((resolve) => listener.close(() => resolve()));
    },
  };
}

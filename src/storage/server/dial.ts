import { Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";

import type { HostAddress } from "../url/address.ts";
import { ConnectFault } from "./fault.ts";

/** How a host is dialled. */
export interface Dialling {
  readonly host: HostAddress;
  /** Milliseconds without traffic after which the system asks whether the other side is there; undefined for never. */
  readonly keepAlive: number | undefined;
  /** Undefined without TLS. */
  readonly tls: ConnectionOptions | undefined;
  /** Whether TLS begins at once, without a question first. */
  readonly direct: boolean;
  /** Called with the socket as soon as it exists, so that it can be destroyed at any moment. */
  readonly started: (socket: Socket) => void;
}

// PostgreSQL, §54.7: SSLRequest.
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const ALPN = "postgresql";

/**
 * Opens a connection to one host, to the point at which the start-up message can be sent.
 *
 * The driver could do it, but knows neither abstract sockets nor an address beside a name, compares certificates with
 * the socket that it dialled, and lets an error in a server's bytes end the process.
 */
export async function dial({ host, keepAlive, tls, direct, started }: Dialling): Promise<Socket> {
  const socket = new Socket();
  socket.on("error", () => {}); // it may be cut while nobody waits for it any more
  started(socket);
  socket.setNoDelay(true);
  if (keepAlive !== undefined) socket.setKeepAlive(true, keepAlive);
  const { port, path, address } =
    host.kind === "socket"
      ? { path: host.path, port: 0, address: undefined }
      : { path: undefined, port: host.port, address: host.address ?? host.host };
  await until(socket, "connect", () =>
    path === undefined ? socket.connect(port, address ?? "") : socket.connect(path),
  );
  if (tls === undefined) return socket;
  if (!direct) await askForTls(socket);
  const secure = connectTls({ ...tls, socket, ...(direct ? { ALPNProtocols: [ALPN] } : {}) });
  secure.on("error", () => {});
  started(secure);
  await until(secure, "secureConnect", () => {});
  if (direct && secure.alpnProtocol !== ALPN) throw new ConnectFault("no direct TLS");
  return secure;
}

async function askForTls(socket: Socket): Promise<void> {
  const answer = await until<Buffer>(socket, "data", () => socket.write(SSL_REQUEST));
  socket.pause();
  // Anything behind the one letter came from a sender that is not protected yet (CVE-2021-23222).
  if (answer.length === 1 && answer[0] === "S".charCodeAt(0)) return;
  throw new ConnectFault(answer[0] === "N".charCodeAt(0) ? "no TLS" : "protocol");
}

/** Waits for an event, and rejects if the socket ends before. */
function until<T = void>(
  socket: Socket,
  event: "connect" | "secureConnect" | "data",
  begin: () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      socket.off(event, done).off("error", failed).off("close", closed);
    };
    const done = (value: T) => {
      settle();
      resolve(value);
    };
    const failed = (error: Error) => {
      settle();
      reject(error);
    };
    const closed = () => failed(new ConnectFault("closed"));
    socket.once(event, done).once("error", failed).once("close", closed);
    begin();
  });
}

/**
 * Hands a connection that is open already to the driver, which wants to open it. An error of the driver over bytes that it
 * cannot read ends the connection, not the process.
 */
export function asStream(socket: Socket): Socket {
  const on = socket.on.bind(socket);
  return Object.assign(socket, {
    connect: () => {
      process.nextTick(() => socket.emit("connect"));
      return socket;
    },
    on: (event: string, listener: (...values: unknown[]) => void) =>
      on(event, event === "data" ? guarded(socket, listener) : listener),
  });
}

function guarded(socket: Socket, listener: (...values: unknown[]) => void): (...values: unknown[]) => void {
  return (...values) => {
    try {
      listener(...values);
    } catch {
      socket.destroy(new ConnectFault("protocol"));
    }
  };
}

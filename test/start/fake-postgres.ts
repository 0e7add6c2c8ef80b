import { createServer, type Server, type Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";

import type { MadeCertificate } from "./made-certificate.ts";

/** How a server of Postgres' protocol behaves that a test makes up. */
export type FakeBehaviour =
  /** It refuses the login, with a SQLSTATE and words. */
  | { readonly kind: "refuses"; readonly sqlstate: string; readonly words: string }
  /**
   * `closes` the connection as soon as something is said; is `silent`; answers as a `web` server; lets everybody in and
   * says that it is a `standby`.
   */
  | { readonly kind: "closes" | "silent" | "web" | "standby" }
  /** It speaks TLS with this certificate. */
  | { readonly kind: "tls"; readonly certificate: MadeCertificate };

/** A server on a free port of 127.0.0.1. */
export interface FakePostgres {
  readonly port: number;
  close(): Promise<void>;
}

// PostgreSQL, §54.7.
const SSL_REQUEST = 80_877_103;

/** Starts one. */
export async function startFakePostgres(behaviour: FakeBehaviour): Promise<FakePostgres> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    if (behaviour.kind !== "silent") socket.once("data", (data: Buffer) => answer(socket, data, behaviour));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(socket: Socket, data: Buffer, behaviour: FakeBehaviour): void {
  if (behaviour.kind === "closes") socket.destroy();
  else if (behaviour.kind === "web") socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
  else if (data.length >= 8 && data.readInt32BE(4) === SSL_REQUEST) {
    if (behaviour.kind === "tls") {
      socket.write("S");
      const { certificate: cert, key } = behaviour.certificate;
      new TLSSocket(socket, { isServer: true, secureContext: createSecureContext({ cert, key }) }).on(
        "error",
        () => {},
      );
      return;
    }
    socket.write("N");
    socket.once("data", (next: Buffer) => answer(socket, next, behaviour));
  } else if (behaviour.kind === "refuses") {
    const fields = `SFATAL\0VFATAL\0C${behaviour.sqlstate}\0M${behaviour.words}\0\0`;
    socket.end(message("E", Buffer.from(fields)));
  } else if (behaviour.kind === "standby") {
    socket.write(Buffer.concat([message("R", Buffer.alloc(4)), message("K", Buffer.alloc(8)), READY]));
    socket.once("data", () => socket.write(STANDBY_FACTS));
  }
}

function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const READY = message("Z", Buffer.from("I"));

function int(value: number, bytes: 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeIntBE(value, 0, bytes);
  return buffer;
}

const texts = ["0", "UTF8", "off", "true"].map((text) => Buffer.from(text));
/** The answer to the question for the server's facts. */
const STANDBY_FACTS = Buffer.concat([
  message("1", Buffer.alloc(0)),
  message("2", Buffer.alloc(0)),
  message(
    "T",
    Buffer.concat([
      int(4, 2),
      ...texts.map(() =>
        Buffer.concat([
          Buffer.from("f\0"),
          int(0, 4),
          int(0, 2),
          int(25, 4),
          int(-1, 2),
          int(-1, 4),
          int(0, 2),
        ]),
      ),
    ]),
  ),
  message("D", Buffer.concat([int(4, 2), ...texts.flatMap((text) => [int(text.length, 4), text])])),
  message("C", Buffer.from("SELECT 1\0")),
  READY,
]);

import { connect as dialSocket, type Socket } from "node:net";

import { drizzle } from "drizzle-orm/postgres-js";
import postgres from "postgres";

import { DomainError } from "../../domain/parts/error.ts";
import type { Connect, Connection } from "./connection.ts";
import { before, unavailable, unreachable } from "./guard.ts";

/** Settings of connections to a server. */
export interface ServerOptions {
  /** `postgres://user:password@host:port/database?sslmode=…`, or with `?host=/folder` a unix socket. */
  readonly url: string;
  /** How long opening a connection may take, milliseconds. */
  readonly connectTimeout: number;
  /** When the server gives up a statement, milliseconds; 0 for never. */
  readonly statementTimeout: number;
  /** When the server gives up a transaction that asks for nothing, milliseconds. */
  readonly idleInTransactionTimeout: number;
  /** Called with the channel and the payload of each notification that arrives. */
  readonly onNotify?: (channel: string, payload: string) => void;
}

/**
 * Opens connections to a Postgres server, each a client of its own with exactly one connection.
 *
 * Drizzle overwrites the serialisers of the client it is given, so no other code may share it; and a client of one
 * connection is one that we can give up: when it is lost it stays lost, and is never replaced behind our back.
 */
export function connectServer(options: ServerOptions): Connect {
  const { url, socketPath } = readUrl(options.url);
  return () => openConnection(url, socketPath, options);
}

async function openConnection(
  url: string,
  socketPath: string | undefined,
  options: ServerOptions,
): Promise<Connection> {
  const until = performance.now() + options.connectTimeout;
  const listeners = new Set<() => void>();
  let socket: Socket | undefined;
  let lost = false;

  function lose(): void {
    if (lost) return;
    lost = true;
    socket?.destroy();
    for (const listener of listeners) listener();
    listeners.clear();
  }

  const settings = {
    max: 1,
    prepare: true,
    fetch_types: false,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: Math.max(1, Math.ceil(options.connectTimeout / 1_000)),
    backoff: false,
    onnotice: () => {},
    onclose: lose,
    // Not in the driver's types: its own `listen` is made with it, on a client that reconnects unseen.
    ...(options.onNotify === undefined ? {} : { onnotify: options.onNotify }),
    connection: {
      application_name: "bakehouse",
      TimeZone: "UTC",
      DateStyle: "ISO, MDY",
      search_path: "public",
      statement_timeout: options.statementTimeout,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeout,
    },
    // The socket is ours, so that it can be destroyed whatever the driver is waiting for. A server that closes
    // during start-up makes the driver ask for a second one, and a third, for ever: there is no second one.
    socket: async ({ host, port }: { host: readonly string[]; port: readonly number[] }) => {
      if (lost || socket !== undefined) throw unavailable();
      const [hostname = "localhost"] = host;
      const [portNumber = 5432] = port;
      socket = await dial(socketPath ?? { host: hostname, port: portNumber }, (dialling) => {
        socket = dialling;
      });
      return Object.assign(socket, { host: hostname, port: portNumber }); // the driver reads the TLS server name here
    },
  };
  const client = postgres(url, settings);

  const give = (): void => {
    lose();
    void client.end({ timeout: 0 });
  };

  try {
    // An acknowledged change must be on disk, whatever is set for the role or the database.
    await before(
      until,
      client`select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'`.execute(),
    );
  } catch (error) {
    give();
    throw unreachable(error);
  }

  return {
    db: drizzle(client),
    query: async (text, values) => client.unsafe(text, [...values], { prepare: true }),
    lost: () => lost,
    onLost(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    async abandon(busy) {
      if (lost || busy) {
        give();
        return false;
      }
      try {
        await before(performance.now() + options.connectTimeout, client.unsafe("rollback").execute());
        return !lost;
      } catch {
        give();
        return false;
      }
    },
    async close() {
      await client.end({ timeout: 1 });
      lose();
    },
  };
}

function dial(
  target: string | { readonly host: string; readonly port: number },
  started: (socket: Socket) => void,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = typeof target === "string" ? dialSocket(target) : dialSocket({ ...target, noDelay: true });
    started(socket);
    const failed = (error?: Error) => reject(error ?? unavailable());
    socket.once("error", failed);
    socket.once("close", () => failed());
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      socket.removeAllListeners("close");
      resolve(socket);
    });
  });
}

/** Reads the URL's parts that the driver would misread. */
function readUrl(text: string): { readonly url: string; readonly socketPath: string | undefined } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // A list of hosts with ports is no URL to the parser.
    throw new DomainError("invalid_request", "database url is malformed or names several hosts");
  }
  if (url.protocol !== "postgres:" && url.protocol !== "postgresql:") {
    throw new DomainError("invalid_request", "database url does not begin with postgres://");
  }
  // With several hosts the driver never gives up on one that does not answer.
  if (url.hostname.includes(","))
    throw new DomainError("invalid_request", "database url names several hosts");
  const folder = url.searchParams.get("host");
  url.searchParams.delete("host");
  if (folder === null || folder === "") return { url: url.href, socketPath: undefined };
  if (!folder.startsWith("/")) {
    throw new DomainError("invalid_request", "database url has a host parameter that is not a folder");
  }
  if (url.hostname === "") url.hostname = "localhost";
  return { url: url.href, socketPath: `${folder}/.s.PGSQL.${url.port || "5432"}` };
}

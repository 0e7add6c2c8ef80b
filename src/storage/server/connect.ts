import { drizzle } from "drizzle-orm/pg-proxy";

import type { Connect, Connection } from "../engine/connection.ts";
import { before } from "../engine/guard.ts";
import type { Row } from "../engine/values.ts";
import type { DatabaseAddress } from "../url/address.ts";
import { parseDatabaseUrl } from "../url/parse.ts";
import { connectToAny, type LoggedIn, type Memory } from "./hosts.ts";
import { placeOf } from "./refusal.ts";
import { createSession } from "./session.ts";
import { BEGIN, BEGIN_WRITING, settingsStatement, type TransactionSettings } from "./settings.ts";

/** Settings of connections to a server. */
export interface ServerOptions extends TransactionSettings {
  /** As libpq reads it: `postgres://user:password@host:port/database?sslmode=…`. */
  readonly url: string;
  /** How long opening a connection to one host may take, milliseconds, unless the URL says otherwise. */
  readonly connectTimeout: number;
  /** Called with the channel and the payload of each notification that arrives. */
  readonly onNotify?: (channel: string, payload: string) => void;
  /** Told of a state that is no fault and yet not as one would want it. */
  readonly warn?: (text: string) => void;
}

/**
 * Opens connections to a Postgres server.
 *
 * Nothing rests on a session: each transaction, and each statement that stands alone, sets its own settings and ends. So a
 * pooler may put any connection behind any transaction. Statements are prepared only if there is no pooler.
 *
 * @throws DatabaseUrlError
 */
export function connectServer(options: ServerOptions): Connect {
  const address = parseDatabaseUrl(options.url);
  const memory: Memory = { host: 0, prepares: !address.pooled, warned: new Set() };
  const timeout = address.connectTimeout ?? options.connectTimeout;
  return async () => {
    const found = await connectToAny({ address, memory, timeout, warn: options.warn ?? (() => {}) });
    return toConnection(found, address, memory, options);
  };
}

function toConnection(
  { client, facts, host, destroy }: LoggedIn,
  address: DatabaseAddress,
  memory: Memory,
  options: ServerOptions,
): Connection {
  const listeners = new Set<() => void>();
  let lost = false;
  let unconfirmed = false;

  function lose(): void {
    if (lost) return;
    lost = true;
    destroy();
    for (const listener of listeners) listener();
    listeners.clear();
  }
  client.on("end", lose);
  client.on("error", lose);
  // The one sign of it, in any language of the server.
  client.on("notice", ({ routine }) => {
    unconfirmed ||= routine === "SyncRepWaitForLSN";
  });
  client.on("notification", ({ channel, payload }) => options.onNotify?.(channel, payload ?? ""));

  const session = createSession({
    client,
    begin: facts.readOnly && !facts.standby ? BEGIN_WRITING : BEGIN,
    settings: settingsStatement(options),
    prepares: facts.ownSession && memory.prepares,
    onForgotten() {
      memory.prepares = false;
    },
    lost: () => lost,
    lose,
  });

  return {
    place: placeOf(host, address),
    ownSession: facts.ownSession,
    db: drizzle(async (text, values) => ({ rows: [...(await session.ask(text, values)).rows] })),
    async query(text, values) {
      const { fields, rows } = await session.ask(text, values);
      return rows.map((row): Row => Object.fromEntries(fields.map(({ name }, at) => [name, row[at]])));
    },
    begin: session.begin,
    commit: session.commit,
    lost: () => lost,
    onLost(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    tookUnconfirmed() {
      const took = unconfirmed;
      unconfirmed = false;
      return took;
    },
    async abandon(busy) {
      if (busy) lose();
      else await before(performance.now() + options.connectTimeout, session.rollback()).catch(lose);
      return !lost;
    },
    async close() {
      await before(performance.now() + 1_000, client.end()).catch(() => {});
      lose();
    },
  };
}

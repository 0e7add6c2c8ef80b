import type { Client } from "pg";

import { createExchange } from "./exchange.ts";

/** The facts that a new connection finds. */
export interface ServerFacts {
  /**
   * Whether the session at the other end is ours as long as the connection is. A pooler answers the log-in with a process
   * id of its own making, and later has the statements done by a server's.
   */
  readonly ownSession: boolean;
  /** The database's encoding. */
  readonly encoding: string;
  /** Whether the server follows another one and takes no writes. */
  readonly standby: boolean;
  /** Whether transactions of this role are read only unless they say otherwise. */
  readonly readOnly: boolean;
}

const FACTS = `
  select pg_catalog.pg_backend_pid()::text, pg_catalog.current_setting('server_encoding'),
    pg_catalog.current_setting('default_transaction_read_only'), pg_catalog.pg_is_in_recovery()::text`;
// For engines that are no Postgres and lack those functions.
const FEWER_FACTS = `
  select '', pg_catalog.current_setting('server_encoding'),
    pg_catalog.current_setting('default_transaction_read_only'), 'false'`;

// A role may be set to give up after a millisecond, which is sometimes too little for this.
const ATTEMPTS = 20;

/** Asks a server for the facts that must be known before it is used. */
export async function examine(client: Client): Promise<ServerFacts> {
  let text = FACTS;
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return read(client, await ask(client, text));
    } catch (error) {
      const state: unknown =
        typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
      if (state === "42883" && text === FACTS) text = FEWER_FACTS;
      else if (state !== "57014" || left === 0) throw error;
    }
  }
}

async function ask(client: Client, text: string): Promise<readonly unknown[]> {
  const { submittable, answer } = createExchange([{ text, values: [], name: "", known: false }], 0);
  client.query(submittable);
  return (await answer).rows[0] ?? [];
}

function read(client: Client, [pid, encoding, readOnly, standby]: readonly unknown[]): ServerFacts {
  // The driver keeps it for cancelling, and its types do not name it.
  const announced: unknown = Reflect.get(client, "processID");
  return {
    ownSession: typeof announced === "number" && String(announced) === pid,
    encoding: String(encoding),
    standby: standby === "true",
    readOnly: readOnly === "on",
  };
}

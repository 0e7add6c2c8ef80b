import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";

import type { Row } from "./values.ts";

/** Drizzle on either engine. */
export type Database = PgDatabase<PgQueryResultHKT, Record<string, never>>;

/** The world of a query: one connection, its own until the query is done. */
export interface Session {
  /** Query builder. Never call its `transaction`. */
  readonly db: Database;
  /**
   * Runs one statement and resolves to its rows. Values are text, numbers, booleans, bytes or null.
   *
   * @param text SQL with `$1`, `$2`, …
   */
  query(
    text: string,
    values: readonly (string | number | boolean | Uint8Array | null)[],
  ): Promise<readonly Row[]>;
}

/**
 * One connection to the database. A statement outside `begin` and `commit` is a transaction of its own.
 */
export interface Connection extends Session {
  /** The server and the database, or the folder, for people. */
  readonly place: string;
  /** Whether the session at the other end is ours as long as the connection is, and notifications arrive here. */
  readonly ownSession: boolean;
  /** Opens a transaction, at isolation level read committed. */
  begin(): Promise<void>;
  /** Commits it. If this rejects, nobody knows whether it was committed. */
  commit(): Promise<void>;
  /** Whether the connection is lost: nothing may be sent over it any more. */
  lost(): boolean;
  /** Calls back once, when the connection is lost. @returns a function that takes the callback off again */
  onLost(callback: () => void): () => void;
  /**
   * Whether, since this was last asked, the server has answered a commit that the standbys it waits for have not
   * confirmed: an administrator's cancel ends the wait, and the answer is the same.
   */
  tookUnconfirmed(): boolean;
  /**
   * Ends any open transaction, without committing it. Resolves to true if the connection can then
   * be used again, to false if it is gone; never rejects.
   *
   * @param busy whether a statement on it has not been answered
   */
  abandon(busy: boolean): Promise<boolean>;
  /** Closes the connection in good order. */
  close(): Promise<void>;
}

/** Opens a connection; rejects within a bound. */
export type Connect = () => Promise<Connection>;

/** A query built once for each connection and sent as a prepared statement. */
interface Prepared<T> {
  execute(values: Record<string, unknown>): Promise<T>;
}

/**
 * Names a statement. Drizzle builds its text anew for every query that is not prepared, which costs more
 * than Postgres takes to answer.
 *
 * @param build must call `.prepare(name)`
 */
export function statement<T>(
  build: (db: Database) => Prepared<T>,
): (session: Session, values: Record<string, unknown>) => Promise<T> {
  const built = new WeakMap<Database, Prepared<T>>();
  return ({ db }, values) => {
    let prepared = built.get(db);
    if (prepared === undefined) {
      prepared = build(db);
      built.set(db, prepared);
    }
    return prepared.execute(values);
  };
}

/**
 * Runs queries under a name, within a deadline, and turns every failure into one that holds no parameter.
 * Outside a transaction each call has a connection for itself; inside one all calls share the transaction's.
 */
export type Run = <T>(operation: string, query: (session: Session) => Promise<T>) => Promise<T>;

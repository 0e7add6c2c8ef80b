import { DomainError } from "../../domain/parts/error.ts";

/**
 * A fault of the storage layer: the database answered, and the layer has no use for the answer. It
 * never repeats the question: bound parameters hold keys and personal data, and drivers print
 * them. For the same reason it has no `cause`.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  /** The short name of the operation, as `tokens.insert`. */
  readonly operation: string;
  /** SQLSTATE (PostgreSQL, appendix A); undefined if the fault is not the database's. */
  readonly sqlstate: string | undefined;
  /** The constraint that was violated; undefined if none was. */
  readonly constraint: string | undefined;

  constructor(operation: string, sqlstate?: string, constraint?: string) {
    const state = sqlstate === undefined ? "" : `: sqlstate ${sqlstate}`;
    super(`${operation} failed${state}${constraint === undefined ? "" : ` (${constraint})`}`);
    this.operation = operation;
    this.sqlstate = sqlstate;
    this.constraint = constraint;
  }
}

/**
 * No connection to a database came about, and none will before somebody changes a setting. The message is one line
 * for the person at the start: the place, the fault, its code, and the cure. It holds no secret.
 */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** SQLSTATE, if the server refused. */
  readonly sqlstate: string | undefined;

  constructor(message: string, sqlstate?: string) {
    super(message);
    this.sqlstate = sqlstate;
  }
}

/**
 * A server or a pooler is there and lets in no further connection. If others are open, they are good: a pool goes on with
 * those. The message is one line for people, as that of {@link ConnectError}.
 */
export class NoConnectionLeft extends DomainError {
  constructor(message: string) {
    super("unavailable", message);
  }
}

/** No connection came about in time, for which there are many reasons. The message is one line for people. */
export class ConnectTimeout extends DomainError {
  constructor(message: string) {
    super("unavailable", message);
  }
}

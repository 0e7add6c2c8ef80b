/**
 * A fault of the storage layer: the database answered, and the answer was not one that we know what to
 * do with. It never says what was asked: bound parameters hold keys and personal data, and drivers print
 * them. For the same reason it has no `cause`.
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  /** The short name of what was tried, as `tokens.insert`. */
  readonly operation: string;
  /** SQLSTATE (PostgreSQL, appendix A); undefined where the fault is not the database's. */
  readonly sqlstate: string | undefined;
  /** The constraint that was violated; undefined where none was. */
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
 * No connection to a database server came about, and none will before somebody changes a setting. The message is one line
 * for whoever starts the service: where, what is wrong, its code, and the cure. It holds no secret.
 */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** SQLSTATE, where the server was the one who refused. */
  readonly sqlstate: string | undefined;

  constructor(message: string, sqlstate?: string) {
    super(message);
    this.sqlstate = sqlstate;
  }
}

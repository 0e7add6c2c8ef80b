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

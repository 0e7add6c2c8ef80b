import { DomainError } from "../../domain/parts/error.ts";
import { StorageError } from "./error.ts";
import { CHANGES_REFUSED, READ_ONLY } from "./refused-changes.ts";

/** The error for a database that could not be asked or did not answer. */
export function unavailable(): DomainError {
  return new DomainError("unavailable", "the database did not answer");
}

/** The error for a caller who would only make a queue longer that is too long to be served in time. */
export function crowded(): DomainError {
  return new DomainError("unavailable", "too many requests wait for the database");
}

/** The error for a change that the database would not take, though it answers. */
function takesNoChanges(): DomainError {
  return new DomainError("unavailable", "the database takes no changes now");
}

/** Whether an error is the one that {@link unavailable} makes. */
export function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && error.code === "unavailable";
}

// SQLSTATEs with which a server says that it cannot serve now, though nothing is wrong with the statement.
const OUTAGES = new Set([
  READ_ONLY,
  "25P03", // idle in transaction for too long
  "25P04", // transaction timeout
  "55P03", // a lock was not to be had in time
  "57014", // statement timeout
  "57P01", // administrator shut it down
  "57P02", // another process of it crashed
  "57P03", // starting up, or shutting down
  "57P05", // idle for too long
]);
// The same by class: connection exception, transaction rollback (serialization, deadlock: asking again helps),
// insufficient resources (too many connections, disk full), system error.
const OUTAGE_CLASSES = new Set(["08", "40", "53", "58"]);

// After these the server is there, and has only refused this one statement.
const ANSWERS = new Set([...CHANGES_REFUSED.keys(), "55P03", "57014"]);

/** The outcome of a query that failed. */
export interface Failure {
  /** The error to pass on: it holds no parameter and no cause. */
  readonly error: DomainError | StorageError;
  /** Whether the server is in trouble, as the circuit breaker counts it. */
  readonly outage: boolean;
  /** The server's SQLSTATE; undefined if it said nothing. */
  readonly sqlstate: string | undefined;
  /** The system's or the driver's code where the server said nothing, as ECONNRESET. */
  readonly code?: string | undefined;
}

/**
 * Turns any error of a driver into one that is safe to log and to pass on.
 *
 * Drizzle's and the drivers' errors carry the bound parameters in their message or members, sealed keys and
 * personal data among them, so neither they nor their text go any further than this function.
 */
export function failure(operation: string, error: unknown): Failure {
  if (error instanceof StorageError || error instanceof DomainError) {
    const sqlstate = error instanceof StorageError ? error.sqlstate : undefined;
    return { error, outage: isUnavailable(error), sqlstate };
  }
  const origin = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = member(origin, "code");
  if (code === undefined) return { error: new StorageError(operation), outage: false, sqlstate: undefined };
  // ECONNREFUSED, EPIPE, …
  if (!isSqlState(code)) {
    return {
      error: unavailable(),
      outage: true,
      sqlstate: undefined,
      code: isPlain(code) ? code : undefined,
    };
  }
  if (OUTAGES.has(code) || OUTAGE_CLASSES.has(code.slice(0, 2))) {
    const outage = !ANSWERS.has(code) && !code.startsWith("40");
    const error = CHANGES_REFUSED.has(code) ? takesNoChanges() : unavailable();
    return { error, outage, sqlstate: code };
  }
  const constraint = member(origin, "constraint_name") ?? member(origin, "constraint");
  return { error: new StorageError(operation, code, constraint), outage: false, sqlstate: code };
}

// The standard keeps classes that begin with 0-4 and A-H; Postgres adds 5, F0, HV, P0 and XX. Node's own codes
// of five letters (EPIPE, EPERM) begin with E.
function isSqlState(code: string): boolean {
  return /^[0-9F-Z][0-9A-Z]{4}$/.test(code);
}

/** Whether a text can only be the name of a fault. */
function isPlain(code: string): boolean {
  return /^[A-Z][A-Z0-9_]{1,59}$/.test(code);
}

function member(error: unknown, name: string): string | undefined {
  if (typeof error !== "object" || error === null) return undefined;
  const value: unknown = Reflect.get(error, name);
  return typeof value === "string" ? value : undefined;
}

/**
 * Turns a driver's error at the start into one that names the statement and the code: nothing else tells the person who
 * starts the service, and an outage says no more than that there is none.
 */
export function startFault(operation: string, thrown: unknown): DomainError | StorageError {
  const { error, sqlstate, code } = failure(operation, thrown);
  if (error instanceof StorageError) return error;
  if (sqlstate !== undefined) return new StorageError(operation, sqlstate);
  const by = code === undefined ? "" : ` (${code})`;
  return new DomainError(error.code, `${operation} failed${by}: ${error.message}`);
}

/**
 * Waits for a promise until an instant, and then rejects as {@link unavailable}. The promise's own outcome
 * afterwards is nobody's business any more.
 *
 * @param until milliseconds by `performance.now()`
 * @param onLate called at the deadline, before the rejection
 */
export function before<T>(until: number, promise: Promise<T>, onLate: () => void = () => {}): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => {
        onLate();
        reject(unavailable());
      },
      Math.max(0, Math.ceil(until - performance.now())),
    );
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

import { createBreaker } from "./breaker.ts";
import type { Connect, Connection, Run, Session } from "./connection.ts";
import { StorageError } from "./error.ts";
import { before, failure, isUnavailable, unavailable } from "./guard.ts";
import { createPool } from "./pool.ts";
import { createRefusedChanges, READ_ONLY } from "./refused-changes.ts";
import { createSilence, UNWATCHED } from "./silence.ts";
import { leadsOf, soundOver } from "./sounding.ts";

/** A statement that failed, for the log: nothing in it repeats the question. */
export interface FailedStatement {
  readonly operation: string;
  /** Undefined if the server said nothing: the connection was lost, or the deadline passed. */
  readonly sqlstate: string | undefined;
  /** The system's code where the server said nothing, if there is one. */
  readonly code?: string | undefined;
  readonly constraint: string | undefined;
}

/** The storage layer's messages to an operator. */
export interface StorageReport {
  failed(failure: FailedStatement): void;
  /** No connection comes about. Said once, and again if the reason changes. */
  unreachable(reason: string): void;
  /** A state that is no fault, and yet not as one would want it. */
  warn(text: string): void;
}

/** Bounds of a runner. */
export interface RunnerOptions {
  readonly connect: Connect;
  readonly report: StorageReport;
  /** Largest number of connections. */
  readonly size: number;
  /** How long one call may take, waiting for a connection included, milliseconds. */
  readonly deadline: number;
  /** How long a whole transaction may take, milliseconds. */
  readonly transactionDeadline: number;
  /** Whether the database is reached by network, and may fall silent. */
  readonly isRemote: boolean;
  /** Told of each exchange with the database: its name, how long it took (milliseconds), and whether it failed. */
  readonly observe?: ((operation: string, milliseconds: number, failed: boolean) => void) | undefined;
}

/** How busy the way to the database is. */
export interface DatabaseLoad {
  readonly inUse: number;
  readonly waiting: number;
  /** Whether callers are refused at once, because the database did not answer. */
  readonly isOpen: boolean;
}

/** The one place through which every query goes. */
export interface Runner {
  readonly run: Run;
  /** As `run`, with a deadline of its own (milliseconds). */
  runWithin<T>(deadline: number, operation: string, query: (session: Session) => Promise<T>): Promise<T>;
  /** Runs the work in one transaction, at isolation level read committed; see the port `Store`. */
  transaction<T>(operation: string, work: (run: Run) => Promise<T>): Promise<T>;
  /** The reason why the database refused a change a moment ago; undefined if it refused none. */
  refusedChange(): string | undefined;
  load(): DatabaseLoad;
  close(): Promise<void>;
}

// Enough to tell an outage from one connection that a firewall cut, and few enough to spare callers the wait.
const BREAKER = { threshold: 3, pause: 1_000 } as const;

// A queue of this length takes seconds to be served, about as long as the deadline: later callers would wait in vain.
const LONGEST_QUEUE = 1_000;

/** Makes a runner over connections of either engine. */
export function createRunner(options: RunnerOptions): Runner {
  const { report, size, deadline, transactionDeadline, observe } = options;
  const breaker = createBreaker({
    ...BREAKER,
    monotonic: () => performance.now(),
    onOpen: () => {
      pool.flush();
      pool.refuseWaiting();
    },
  });
  const watch = () =>
    createSilence({
      sound: (signal) => soundOver(leadsOf(pool, options.connect), signal),
      onSilent() {
        if (!breaker.isOpen())
          report.warn(
            "the database answers nothing, not even over a new connection: callers are refused until it does",
          );
        breaker.trip();
      },
    });
  const silence = options.isRemote ? watch() : UNWATCHED;
  const connect: Connect = async () => {
    const begun = performance.now();
    const connection = await options.connect();
    silence.connected(performance.now() - begun);
    silence.heard();
    return connection;
  };
  const pool = createPool({
    connect,
    size,
    queue: LONGEST_QUEUE,
    breaker,
    unreachable: report.unreachable,
    fewer: (reason) => report.warn(`${reason}; going on with the connections that are open`),
  });
  const refusedChanges = createRefusedChanges(() => performance.now());

  /**
   * One exchange over a borrowed connection. `asked` counts the statements that were sent and not answered, which
   * a deadline does not end.
   */
  async function exchange<T>(
    until: number,
    loan: Loan,
    operation: string,
    query: (session: Session) => Promise<T>,
  ): Promise<T> {
    const { connection, asked } = loan;
    if (connection.lost()) throw unavailable();
    // A query of drizzle's is a thenable that asks again each time it is awaited: this makes it a promise.
    const answer = (async () => query(connection))();
    asked.add(answer);
    const answered = () => asked.delete(answer);
    answer.then(answered, answered);
    const begun = performance.now();
    let failed = true;
    let result: T;
    try {
      result = await before(until, silence.orSilent(answer));
      silence.heard();
      failed = false;
      breaker.succeeded();
    } catch (thrown) {
      const { error, outage, sqlstate, code } = failure(operation, thrown);
      if (sqlstate !== undefined) silence.heard();
      if (error instanceof StorageError || isUnavailable(error)) {
        const constraint = error instanceof StorageError ? error.constraint : undefined;
        report.failed({ operation, sqlstate, code, constraint });
      }
      refusedChanges.note(sqlstate);
      if (sqlstate === READ_ONLY) {
        // The server has changed its mind, or is another one behind the same address: a new connection finds out.
        loan.spoiled = true;
        pool.flush();
      }
      if (!outage && !connection.lost()) throw error;
      // The connection that failed was opened before the outage, and so were the idle ones.
      pool.flush();
      breaker.failed();
      throw unavailable();
    } finally {
      observe?.(operation, performance.now() - begun, failed);
    }
    // It is done here, and would be undone by a failover: nobody may be told that it is done.
    if (connection.tookUnconfirmed()) {
      report.failed({ operation: `${operation}: standbys`, sqlstate: undefined, constraint: undefined });
      throw unavailable();
    }
    return result;
  }

  async function runWithin<T>(
    limit: number,
    operation: string,
    query: (session: Session) => Promise<T>,
  ): Promise<T> {
    const until = performance.now() + limit;
    const connection = await silence.attend(pool.acquire(until));
    const loan: Loan = { connection, asked: new Set(), spoiled: false };
    try {
      return await exchange(until, loan, operation, query);
    } finally {
      if (isGood(loan)) pool.release(connection);
      else void pool.discard(connection, true);
    }
  }

  async function transaction<T>(operation: string, work: (run: Run) => Promise<T>): Promise<T> {
    const end = performance.now() + transactionDeadline;
    const connection = await silence.attend(pool.acquire(performance.now() + deadline));
    const loan: Loan = { connection, asked: new Set(), spoiled: false };
    const pending = new Set<Promise<unknown>>();
    let open = true;
    let fault: { readonly error: unknown } | undefined;

    const step = <U>(name: string, query: (session: Session) => Promise<U>): Promise<U> =>
      exchange(Math.min(end, performance.now() + deadline), loan, name, query);

    const run: Run = async (name, query) => {
      // Work that outlived its transaction must not reach into the connection's next one.
      if (!open) throw unavailable();
      const running = step(name, query);
      pending.add(running);
      try {
        return await running;
      } catch (error) {
        fault ??= { error };
        throw error;
      } finally {
        pending.delete(running);
      }
    };

    const watch = watchLoss(connection);
    try {
      await step(`${operation}: begin`, () => connection.begin());
      const result = await before(end, Promise.race([work(run), watch.lost]));
      await Promise.allSettled(pending);
      open = false;
      // Postgres answers the commit of a failed transaction with a rollback and no error: code that swallowed the
      // fault would be told that all is well.
      if (fault !== undefined) throw fault.error;
      // If this fails nobody knows whether it was committed; the caller must ask again, idempotently.
      await step(`${operation}: commit`, () => connection.commit());
      pool.release(connection);
      return result;
    } catch (error) {
      open = false;
      await pool.discard(connection, !isGood(loan));
      throw error;
    } finally {
      watch.stop();
    }
  }

  return {
    run: (operation, query) => runWithin(deadline, operation, query),
    runWithin,
    transaction,
    refusedChange: refusedChanges.reason,
    load: () => ({ ...pool.load(), isOpen: breaker.isOpen() }),
    close: pool.close,
  };
}

/** A borrowed connection. */
interface Loan {
  readonly connection: Connection;
  /** Statements that were sent and not answered. */
  readonly asked: Set<Promise<unknown>>;
  /** Whether the connection is to be closed rather than lent again. */
  spoiled: boolean;
}

const isGood = ({ asked, spoiled }: Loan) => asked.size === 0 && !spoiled;

function watchLoss(connection: Connection): { readonly lost: Promise<never>; readonly stop: () => void } {
  let stop = () => {};
  const lost = new Promise<never>((_, reject) => {
    stop = connection.onLost(() => reject(unavailable()));
  });
  lost.catch(() => {}); // it is raced, and may lose
  return { lost, stop };
}

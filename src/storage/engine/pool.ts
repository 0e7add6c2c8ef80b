import { DomainError } from "../../domain/parts/error.ts";
import type { Breaker } from "./breaker.ts";
import type { Connect, Connection } from "./connection.ts";
import { ConnectError, ConnectTimeout, NoConnectionLeft } from "./error.ts";
import { before, crowded, unavailable } from "./guard.ts";

/** Connections, each lent to one borrower at a time. */
export interface Pool {
  /**
   * Borrows a connection. Rejects as unavailable if none is to be had in time, the breaker is open or the queue is full.
   *
   * @param until milliseconds by `performance.now()`
   */
  acquire(until: number): Promise<Connection>;
  /** Borrows an idle connection; undefined if there is none. */
  takeIdle(): Connection | undefined;
  /** Gives back a connection that is in order and has no transaction open. */
  release(connection: Connection): void;
  /**
   * Gives back a connection that may have a transaction open. Resolves once that is ended or the connection
   * is gone; never rejects.
   *
   * @param busy whether a statement on it has not been answered
   */
  discard(connection: Connection, busy: boolean): Promise<void>;
  /** Connections that are lent, and callers in the queue for one. */
  load(): { readonly inUse: number; readonly waiting: number };
  /** Whether the server, or the pooler before it, let in no further connection the last time. */
  isLimited(): boolean;
  /** Refuses everyone in the queue for a connection. */
  refuseWaiting(): void;
  /** Closes idle connections, which were opened before an outage and may not have noticed it. */
  flush(): void;
  /** Refuses new borrowers and closes every connection once it is given back. */
  close(): Promise<void>;
}

/** Settings of a pool. */
export interface PoolOptions {
  readonly connect: Connect;
  readonly size: number;
  /** How many callers may wait for a connection. */
  readonly queue: number;
  readonly breaker: Breaker;
  /** Told why no connection comes about: once, and again if the reason changes. */
  readonly unreachable: (reason: string) => void;
  /** Told why there are fewer connections than `size`: once, until there are more. */
  readonly fewer: (reason: string) => void;
}

/** Milliseconds until a pool that was refused a further connection asks for one again. */
const PAUSE = 10_000;

interface Waiter {
  readonly grant: (connection: Connection | undefined) => void;
  readonly refuse: () => void;
}

/**
 * Makes a pool.
 *
 * The driver's own pool cannot tell which connection a query of ours is on, nor give up one of them, and
 * after a lost connection it silently goes on with another one in the middle of a transaction.
 */
export function createPool({ connect, size, queue, breaker, unreachable, fewer }: PoolOptions): Pool {
  const idle: Connection[] = [];
  const waiting: Waiter[] = [];
  const borrowed = new Set<Connection>();
  let slots = 0; // connections that are open or being opened
  let said: string | undefined;
  let answeredAt = 0; // when a connection was last given back in order
  // The number that the server lets us have, and until when it is believed.
  let limit = size;
  let limitedUntil = 0;
  let limited = false;
  let closing: (() => void) | undefined;
  let closed = false;

  function free(): void {
    slots -= 1;
    // A slot is as good as a connection: the first in the queue may open one.
    waiting.shift()?.grant(undefined);
    settle();
  }

  function most(): number {
    return performance.now() < limitedUntil ? Math.max(1, limit) : size;
  }

  function settle(): void {
    if (closed && slots === 0) closing?.();
  }

  function offer(connection: Connection): void {
    borrowed.delete(connection);
    if (connection.lost()) {
      free();
      return;
    }
    if (closed) {
      void connection.close().finally(free);
      return;
    }
    const waiter = waiting.shift();
    if (waiter === undefined) idle.push(connection);
    else waiter.grant(connection);
  }

  function adopt(connection: Connection): void {
    connection.onLost(() => {
      const index = idle.indexOf(connection);
      if (index === -1) return;
      idle.splice(index, 1);
      free();
    });
  }

  /** Goes on with the other connections, without a slot for anybody who waits: there is no connection to be had for it. */
  function doWithout(reason: string): void {
    slots -= 1;
    limit = slots;
    limitedUntil = performance.now() + PAUSE;
    if (!limited) fewer(reason);
    limited = true;
    settle();
  }

  /**
   * Opens a connection for the first in the queue by then: it may be another one than the asker, who may have got a connection
   * that was given back meanwhile.
   *
   * @param asker refused if no connection comes about
   */
  function open(asker: Waiter): void {
    slots += 1;
    const begun = performance.now();
    connect().then(
      (connection) => {
        adopt(connection);
        breaker.succeeded();
        said = undefined;
        if (slots > limit) limited = false;
        offer(connection);
      },
      (error: unknown) => fail(error, begun, asker),
    );
  }

  function fail(error: unknown, begun: number, asker: Waiter): void {
    const reason = error instanceof ConnectError || error instanceof DomainError ? error.message : "unknown";
    // A pooler whose server connections are all taken lets a login wait. Then others are being answered.
    const isCrowded =
      error instanceof NoConnectionLeft || (error instanceof ConnectTimeout && answeredAt > begun);
    if (isCrowded && slots > 1) {
      doWithout(reason);
      return;
    }
    // For any reason: a database that cannot be connected to cannot be asked.
    if (leave(asker)) asker.refuse();
    free();
    breaker.failed();
    if (reason !== said) unreachable(reason);
    said = reason;
  }

  /** Takes somebody out of the queue. @returns whether they were in it */
  function leave(waiter: Waiter): boolean {
    const index = waiting.indexOf(waiter);
    if (index !== -1) waiting.splice(index, 1);
    return index !== -1;
  }

  /** Waits for a connection, or for a slot in which to open one. */
  function wait(until: number): Promise<Connection | undefined> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant(connection) {
          clearTimeout(timer);
          resolve(connection);
        },
        refuse() {
          clearTimeout(timer);
          reject(unavailable());
        },
      };
      const timer = setTimeout(
        () => {
          leave(waiter);
          reject(unavailable());
        },
        Math.max(0, Math.ceil(until - performance.now())),
      );
      waiting.push(waiter);
      if (slots < most()) open(waiter);
    });
  }

  return {
    async acquire(until) {
      for (;;) {
        if (closed || !breaker.admits()) throw unavailable();
        if (idle.length === 0 && waiting.length >= queue) throw crowded();
        const connection = idle.pop() ?? (await wait(until));
        // A connection can be lost between being granted and being taken up.
        if (connection === undefined) continue;
        if (connection.lost()) {
          free();
          continue;
        }
        borrowed.add(connection);
        return connection;
      }
    },
    takeIdle() {
      const connection = idle.pop();
      if (connection !== undefined) borrowed.add(connection);
      return connection;
    },
    release(connection) {
      answeredAt = performance.now();
      offer(connection);
    },
    async discard(connection, busy) {
      const usable = await connection.abandon(busy);
      borrowed.delete(connection);
      if (usable) offer(connection);
      else free();
    },
    flush() {
      for (const connection of idle.splice(0)) {
        void connection.abandon(true).then((usable) => (usable ? offer(connection) : free()));
      }
    },
    isLimited: () => limited,
    load: () => ({ inUse: borrowed.size, waiting: waiting.length }),
    refuseWaiting() {
      for (const waiter of waiting.splice(0)) waiter.refuse();
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const waiter of waiting.splice(0)) waiter.refuse();
      const done = new Promise<void>((resolve) => {
        closing = resolve;
      });
      for (const connection of idle.splice(0)) void connection.close().finally(free);
      settle();
      await before(performance.now() + 5_000, done).catch(async () => {
        await Promise.all([...borrowed].map((connection) => connection.abandon(true)));
      });
    },
  };
}

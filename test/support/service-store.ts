import { DomainError } from "../../src/domain/parts/error.ts";
import type { Repositories, Store } from "../../src/domain/ports/store.ts";

/** A store that is watched, and that fails when it is told to. */
export interface WatchedStore {
  readonly store: Store;
  /** Every call that reached the store, oldest first: `rootKeys.find`, `transaction issue token`, `ping`. */
  readonly calls: string[];
  /** Told of every call before it is made; what it throws or rejects with is what the caller gets. */
  intercept(before: ((call: string) => void | Promise<void>) | undefined): void;
  /** Whether every call is refused, as with a database that does not answer. */
  setDown(down: boolean): void;
  /** Has all services that follow its changes read the log now. */
  wake(): void;
}

const REPOSITORIES = [
  "audit",
  "auditTrees",
  "budgets",
  "devices",
  "dischargeKeys",
  "dischargeRequests",
  "idempotency",
  "issues",
  "lines",
  "liveDischarges",
  "oauth",
  "people",
  "platforms",
  "principals",
  "revocations",
  "resources",
  "rootKeys",
  "sessions",
  "tokens",
  "usedAssertions",
  "verdictKeys",
  "webhookOutbox",
] as const satisfies readonly (keyof Repositories)[];

// The log, keys and changes that a service reads by itself, and what it records behind its answers.
const OF_ITSELF =
  /^(?:now|audit\.append|auditTrees\.\w+|revocations\.load|(?:rootKeys|dischargeKeys|verdictKeys)\.usable|principals\.changedWithin|transaction integrate audit events)$/;

/** Of a store's calls those that a request waited for, whenever the service does something by itself. */
export function callsOfRequests(calls: readonly string[]): string[] {
  return calls.filter((call) => !OF_ITSELF.test(call));
}

type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** Puts a watch around a store. What runs inside a transaction is watched too. */
export function watchStore(inner: Store): WatchedStore {
  const calls: string[] = [];
  let intercepting: ((call: string) => void | Promise<void>) | undefined;
  let down = false;
  const listeners = new Set<(sequence: string | undefined) => void>();

  async function reached(call: string): Promise<void> {
    calls.push(call);
    if (down) throw new DomainError("unavailable", "the database does not answer");
    await intercepting?.(call);
  }

  function watchMethods<T extends object>(name: string, methods: T): T {
    const watched = Object.entries(methods).map(([method, run]: [string, Method]) => [
      method,
      async (...args: readonly unknown[]) => {
        await reached(`${name}.${method}`);
        return run(...args);
      },
    ]);
    return Object.fromEntries(watched) as T;
  }

  function watchRepositories(repositories: Repositories): Repositories {
    const watched = REPOSITORIES.map((name) => [name, watchMethods(name, repositories[name])]);
    return {
      ...(Object.fromEntries(watched) as Omit<Repositories, "now">),
      async now() {
        await reached("now");
        return repositories.now();
      },
    };
  }

  const store: Store = {
    ...inner, // what is no call of the database is not watched
    ...watchRepositories(inner),
    changes: {
      ...inner.changes,
      listen(onChange) {
        listeners.add(onChange);
        const stop = inner.changes.listen(onChange);
        return () => {
          listeners.delete(onChange);
          stop();
        };
      },
    },
    async transaction(operation, work) {
      await reached(`transaction ${operation}`);
      return inner.transaction(operation, (repositories) => work(watchRepositories(repositories)));
    },
    async refusesChanges() {
      await reached("ping");
      return inner.refusesChanges();
    },
    async maintainPartitions(dropBefore) {
      await reached("maintainPartitions");
      return inner.maintainPartitions(dropBefore);
    },
    close: () => inner.close(),
  };

  return {
    store,
    calls,
    intercept(before) {
      intercepting = before;
    },
    setDown(value) {
      down = value;
    },
    wake() {
      for (const listener of listeners) listener(undefined);
    },
  };
}

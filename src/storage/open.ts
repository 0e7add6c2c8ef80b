import type { Changes } from "../domain/ports/changes.ts";
import type { Store } from "../domain/ports/store.ts";
import { createListener, createLocalChanges } from "./engine/changes.ts";
import type { Connect } from "./engine/connection.ts";
import { unavailable } from "./engine/guard.ts";
import { createRunner, type Runner } from "./engine/runner.ts";
import { connectServer } from "./engine/server.ts";
import { migrate } from "./migrate/migrate.ts";
import { defaultMigrationsFolder, readMigrations } from "./migrate/migrations.ts";
import { maintainPartitions } from "./migrate/partitions.ts";
import { createRepositories } from "./repositories.ts";

/** Which database. */
export type Place =
  /** The embedded one, under this folder; it is made where it is missing, and locked while the store is open. */
  | { readonly kind: "folder"; readonly folder: string }
  /** A Postgres server, by its URL. */
  | { readonly kind: "server"; readonly url: string };

/** Settings of a store. All times are milliseconds. */
export interface OpenStoreOptions {
  readonly place: Place;
  /** Whether to apply migrations that are missing; true by default. Without, what is missing fails the first query. */
  readonly migrate?: boolean;
  /** By default the package's own. */
  readonly migrationsFolder?: string;
  /** This program's version: without it, a schema that a newer one has migrated is refused. */
  readonly version?: string;
  /** How long one call may take, 5,000 by default. */
  readonly deadline?: number;
  /** How long a whole transaction may take, 15,000 by default. */
  readonly transactionDeadline?: number;
  /** How long opening a connection to a server may take, 3,000 by default. */
  readonly connectTimeout?: number;
  /** Largest number of connections to a server, 10 by default. */
  readonly connections?: number;
  /** Milliseconds that are added to the database's clock, so that tests can move time. */
  readonly shiftDatabaseClock?: () => number;
}

interface Engine {
  readonly connect: Connect;
  readonly size: number;
  /** Ends what is left once all connections were given back. */
  readonly close: () => Promise<void>;
  readonly changes: (runner: Runner) => Changes;
}

const PING_DEADLINE = 2_000;

/**
 * Opens the store, bringing its schema up to date first.
 *
 * Rejects with a MigrationError where schema and migrations do not fit, with a FolderLockedError where another
 * process has the folder, with a DomainError `unavailable` where the server does not answer.
 */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const {
    place,
    deadline = 5_000,
    transactionDeadline = 15_000,
    shiftDatabaseClock: shift = () => 0,
  } = options;
  const migrations =
    options.migrate === false ? [] : readMigrations(options.migrationsFolder ?? defaultMigrationsFolder());
  const engine =
    place.kind === "server" ? await openServer(place.url, options) : await openFolder(place.folder);

  async function openServer(
    url: string,
    { connectTimeout = 3_000, connections = 10 }: OpenStoreOptions,
  ): Promise<Engine> {
    const settings = { url, connectTimeout, idleInTransactionTimeout: transactionDeadline + 5_000 };
    if (migrations.length > 0) {
      const connection = await connectServer({ ...settings, statementTimeout: 0 })();
      try {
        await migrate(connection, { migrations, lock: "advisory", version: options.version });
      } finally {
        await connection.close();
      }
    }
    // The server gives up a little before we do: then it has answered, and the connection is still good.
    return {
      connect: connectServer({ ...settings, statementTimeout: deadline * 0.9 }),
      size: connections,
      close: async () => {},
      changes: ({ run }) =>
        createListener({
          run,
          connect: (onNotify) => connectServer({ ...settings, statementTimeout: 0, onNotify }),
        }),
    };
  }

  async function openFolder(folder: string): Promise<Engine> {
    // Not loaded where a server is used: it is large.
    const { openEmbedded } = await import("./engine/pglite.ts");
    const connection = await openEmbedded(folder);
    try {
      if (migrations.length > 0)
        await migrate(connection, { migrations, lock: "advisory", version: options.version });
    } catch (error) {
      await connection.close();
      throw error;
    }
    return {
      connect: async () => {
        if (connection.lost()) throw unavailable();
        return connection;
      },
      size: 1,
      close: connection.close,
      changes: createLocalChanges,
    };
  }

  const { connect, size, close } = engine;
  const runner = createRunner({ connect, size, deadline, transactionDeadline });
  const repositories = createRepositories(runner.run, shift);
  return {
    ...repositories,
    changes: engine.changes(runner),
    transaction: (operation, work) =>
      runner.transaction(operation, (run) => work(createRepositories(run, shift))),
    async ping() {
      await runner.runWithin(PING_DEADLINE, "ping", (session) => session.query("select 1 as ping", []));
    },
    async maintainPartitions(dropBefore) {
      await maintainPartitions(runner.run, await repositories.now(), dropBefore);
    },
    async close() {
      await runner.close();
      await close();
    },
  };
}

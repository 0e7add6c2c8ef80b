import type { Changes } from "../domain/ports/changes.ts";
import type { Store } from "../domain/ports/store.ts";
import type { SealedValues } from "../domain/upkeep/rewrap.ts";
import { createListener, createLocalChanges } from "./engine/changes.ts";
import type { Connect, Connection } from "./engine/connection.ts";
import { unavailable } from "./engine/guard.ts";
import { READ_ONLY } from "./engine/refused-changes.ts";
import {
  createRunner,
  type DatabaseLoad,
  type Runner,
  type RunnerOptions,
  type StorageReport,
} from "./engine/runner.ts";
import { type DatabaseFacts, examineDatabase } from "./examine.ts";
import { migrate } from "./migrate/migrate.ts";
import { defaultMigrationsFolder, readMigrations } from "./migrate/migrations.ts";
import { maintainPartitions } from "./migrate/partitions.ts";
import { createRepositories } from "./repositories.ts";
import { connectServer } from "./server/connect.ts";
import { explainStart } from "./start-failure.ts";
import { createSealedValues } from "./tables/sealed-values.ts";

/** The database to open. */
export type DatabasePlace =
  /** The embedded one, under this folder; it is made if it is missing, and locked while the store is open. */
  | { readonly kind: "folder"; readonly folder: string }
  | {
      readonly kind: "server";
      /** As libpq reads it. */
      readonly url: string;
      /**
       * The server itself, if `url` is a pooler's: for migrations and notifications. Named, it is listened to even if
       * it looks like a pooler, which in session mode is as good.
       */
      readonly direct?: string | undefined;
    };

/** Settings of a store. All times are milliseconds. */
export interface OpenStoreOptions {
  readonly place: DatabasePlace;
  /** Whether to apply missing migrations; true by default. Without, the first query of a missing table fails. */
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
  /** Told of failures and warnings; nobody by default. */
  readonly report?: StorageReport;
  /** Told of each exchange with the database, as {@link RunnerOptions} has it. */
  readonly observe?: RunnerOptions["observe"];
  /** Milliseconds that are added to the database's clock, so that tests can move time. */
  readonly shiftDatabaseClock?: () => number;
}

interface Engine {
  readonly connect: Connect;
  readonly size: number;
  /** Ends the rest once all connections were given back. */
  readonly close: () => Promise<void>;
  readonly changes: (runner: Runner) => Changes;
}

/** A store, and what operators need besides what the service does. */
export interface OpenedStore extends Store {
  readonly sealedValues: SealedValues;
  /** How busy the way to the database is now. */
  load(): DatabaseLoad;
  /** Examines the database, and changes nothing. */
  examine(): Promise<DatabaseFacts>;
}

const PING_DEADLINE = 2_000;
const PING = "select pg_catalog.current_setting('transaction_read_only') as read_only";

/** As a server would say it of a change. */
class ReadOnlyFinding extends Error {
  readonly code = READ_ONLY;
}

/**
 * Opens the store, bringing its schema up to date first.
 *
 * Rejects with a MigrationError if schema and migrations do not fit, with a FolderLockedError if another
 * process has the folder, with a DomainError `unavailable` if the server does not answer or cannot serve now, with a
 * ConnectError if it refuses until somebody changes a setting, with a DatabaseUrlError if the URL is wrong.
 */
export async function openStore(options: OpenStoreOptions): Promise<OpenedStore> {
  const {
    place,
    deadline = 5_000,
    transactionDeadline = 15_000,
    shiftDatabaseClock: shift = () => 0,
    report = { failed() {}, unreachable() {}, warn() {} },
  } = options;
  const known = () => readMigrations(options.migrationsFolder ?? defaultMigrationsFolder());
  const migrations = options.migrate === false ? [] : known();
  const engine = place.kind === "server" ? await openServer(place, options) : await openFolder(place.folder);

  async function bringUpToDate(connection: Connection): Promise<void> {
    if (migrations.length === 0) return;
    try {
      await migrate(connection, { migrations, lock: "advisory", version: options.version });
    } catch (error) {
      throw explainStart(error, connection.place);
    }
  }

  async function openServer(
    { url, direct }: Extract<DatabasePlace, { readonly kind: "server" }>,
    { connectTimeout = 3_000, connections = 10 }: OpenStoreOptions,
  ): Promise<Engine> {
    const idleInTransactionTimeout = transactionDeadline + 5_000;
    const settings = { url, connectTimeout, idleInTransactionTimeout, warn: report.warn };
    const directly = { ...settings, url: direct ?? url, statementTimeout: 0 };
    // The server gives up a little before we do: then it has answered, and the connection is still good.
    const connect = connectServer({ ...settings, statementTimeout: deadline * 0.9 });
    if (migrations.length > 0) {
      const connection = await connectServer(directly)();
      await bringUpToDate(connection).finally(connection.close);
      // The person who starts the service is to know if the other address leads nowhere.
      if (direct !== undefined) await (await connect()).close();
    }
    return {
      connect,
      size: connections,
      close: async () => {},
      changes: ({ run }) =>
        createListener({
          run,
          always: direct !== undefined,
          connect: (onNotify) => connectServer({ ...directly, onNotify }),
        }),
    };
  }

  async function openFolder(folder: string): Promise<Engine> {
    // Not loaded if a server is used: it is large.
    const { openEmbedded } = await import("./engine/pglite.ts");
    const connection = await openEmbedded(folder);
    try {
      await bringUpToDate(connection);
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
  const runner = createRunner({
    connect,
    report,
    size,
    deadline,
    transactionDeadline,
    isRemote: place.kind === "server",
    observe: options.observe,
  });
  const repositories = createRepositories(runner.run, shift);
  return {
    ...repositories,
    sealedValues: createSealedValues(runner.run),
    examine: () => examineDatabase(runner.run, known(), options.version),
    load: runner.load,
    changes: engine.changes(runner),
    transaction: (operation, work) =>
      runner.transaction(operation, (run) => work(createRepositories(run, shift))),
    async refusesChanges() {
      const refused = runner.refusedChange();
      if (refused !== undefined) return refused;
      try {
        await runner.runWithin(PING_DEADLINE, "ping", async (session) => {
          const [row] = await session.query(PING, []);
          if (row?.["read_only"] === "on") throw new ReadOnlyFinding();
        });
        return undefined;
      } catch (error) {
        const found = runner.refusedChange();
        if (found === undefined) throw error;
        return found;
      }
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

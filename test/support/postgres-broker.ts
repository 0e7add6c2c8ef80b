import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";

import postgres from "postgres";
import type { TestProject } from "vitest/node";

import { openStore } from "../../src/storage/open.ts";
import { acquirePostgres, type TestPostgres } from "./postgres.ts";
import { reach } from "./reach.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where a test asks for a database. */
    readonly databaseBroker: string;
  }
}

/** Environment variable that names a file to which the source of Postgres is written. */
export const SOURCE_FILE = "BAKEHOUSE_TEST_POSTGRES_SOURCE_FILE";

/** The path at which the broker serves databases with all migrations applied; others are empty. */
export const MIGRATED = "/migrated";

/** As {@link MIGRATED}, but the revocation log takes the database for a restored one until it is taken over. */
export const COPIED = "/copied";

/** The server of a run, and the one connection over which its databases are made. */
interface Server extends TestPostgres {
  readonly sql: postgres.Sql;
}

/** Milliseconds after which a statement that waits for other sessions has them looked after. */
const PATIENCE = 5_000;

/**
 * Has idle sessions look at their signals. Dropping a database waits until every session has answered a signal, and one
 * whose statement ran out of time just then keeps it unread until something else arrives: for ever, if its client has
 * no more to say. Nothing else comes of this but lines in the server's log.
 */
const WAKE_SESSIONS = `select pg_log_backend_memory_contexts(pid) from pg_stat_activity
  where state like 'idle%' and exists (select from pg_stat_activity where wait_event = 'ProcSignalBarrier')`;

const TAKE_OVER = `update public.revocation_log as log set database = here.database
  from public.bakehouse_log_server() as here`;

/**
 * Serves databases to tests, from a Postgres that is only acquired when the first one is asked for: most
 * tests need none. A GET makes a database and is answered with its URL; a DELETE drops the one whose name is its
 * path. Every database is gone when the run ends.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let acquired: Promise<Server> | undefined;
  let template: Promise<string> | undefined;
  const made = new Set<string>();
  const server = () => (acquired ??= acquire());

  /** Makes or drops a database. */
  async function change(statement: string): Promise<void> {
    const { url, sql } = await server();
    const other = postgres(url, { max: 1, onnotice: () => {} });
    // A role that may not do so waits as it always did.
    const timer = setInterval(() => void other.unsafe(WAKE_SESSIONS).catch(() => undefined), PATIENCE);
    try {
      await sql.unsafe(statement);
    } finally {
      clearInterval(timer);
      await other.end({ timeout: 2 });
    }
  }

  async function create(from: string): Promise<{ readonly name: string; readonly url: string }> {
    const { url, temporary } = await server();
    const name = `bakehouse_test_${randomBytes(6).toString("hex")}`;
    // Copying files is several times faster than writing them to the log, where nothing waits for the disk.
    const strategy = temporary ? "strategy file_copy" : "";
    const own = new URL(url);
    own.pathname = `/${name}`;
    const owner = new URL(reach(own.href).owner).username;
    await change(`create database ${name} owner ${owner} template ${from} ${strategy}`);
    made.add(name);
    return { name, url: own.href };
  }

  async function drop(name: string): Promise<void> {
    if (acquired === undefined || !made.delete(name)) return; // it was dropped before
    await change(`drop database if exists ${name} with (force)`);
  }

  async function createTemplate(): Promise<string> {
    const { name, url } = await create("template0");
    const store = await openStore({ place: { kind: "server", url: reach(url).owner }, deadline: 60_000 });
    await store.close();
    // A pooler keeps its session for the next client, and a database with a session cannot be copied.
    const { sql } = await server();
    await sql.unsafe(`alter database ${name} allow_connections false`);
    await sql.unsafe(
      `select pg_terminate_backend(pid, ${PATIENCE}) from pg_stat_activity where datname = '${name}'`,
    );
    return name;
  }

  async function serve(method: string | undefined, path: string): Promise<string> {
    if (method === "DELETE") {
      await drop(path.slice(1));
      return "";
    }
    if (path !== MIGRATED && path !== COPIED) return (await create("template0")).url;
    template ??= createTemplate();
    const { url } = await create(await template);
    if (path === MIGRATED) await takeOver(url);
    return url;
  }

  const broker = createServer((request, response) => {
    // A worker asks again much later, and a connection that was kept may be closed at that very moment.
    response.setHeader("connection", "close");
    serve(request.method, request.url ?? "/").then(
      (url) => response.end(url),
      (error: unknown) => {
        response.statusCode = 500;
        response.end(error instanceof Error ? error.message : "no database");
      },
    );
  });
  await new Promise<void>((resolve) => broker.listen(0, "127.0.0.1", resolve));
  const address = broker.address();
  if (address === null || typeof address === "string") throw new Error("the database broker has no port");
  project.provide("databaseBroker", `http://127.0.0.1:${address.port}`);

  return async () => {
    broker.close();
    broker.closeAllConnections();
    if (acquired === undefined) return;
    const { sql, temporary, stop } = await acquired;
    try {
      // What is left of a temporary server's databases goes with it.
      if (!temporary) for (const name of made) await drop(name);
    } finally {
      await sql.end({ timeout: 2 });
      await stop();
    }
  };
}

/**
 * Has the revocation log of a copied database know it. A copy is another database than its log was begun in, as it would be after
 * a restore.
 *
 * @param url of the database, as the schema's owner or the superuser
 */
export async function takeOver(url: string): Promise<void> {
  const own = postgres(url, { max: 1, fetch_types: false, onnotice: () => {} });
  await own.unsafe(TAKE_OVER).finally(() => own.end({ timeout: 2 }));
}

async function acquire(): Promise<Server> {
  const server = await acquirePostgres();
  const file = process.env[SOURCE_FILE];
  if (file !== undefined) writeFileSync(file, server.source);
  return { ...server, sql: postgres(server.url, { max: 1, onnotice: () => {} }) };
}

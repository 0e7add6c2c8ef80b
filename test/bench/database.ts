import { randomBytes } from "node:crypto";

import postgres from "postgres";

import { type PostgresServer, startPostgres } from "../support/postgres-server.ts";

type Acquired = Pick<PostgresServer, "url" | "stop">;

let acquired: Promise<Acquired> | undefined;

/** The database given by `TEST_DATABASE_URL`, or a server that flushes what it commits, which that of the tests does not. */
async function acquire(): Promise<Acquired> {
  const given = process.env["TEST_DATABASE_URL"];
  return given === undefined || given === "" ? startPostgres() : { url: given, stop: async () => {} };
}

/** A database of its own on a real Postgres, which is started when the first one is asked for. */
export async function newDatabase(): Promise<string> {
  acquired ??= acquire();
  const { url } = await acquired;
  const name = `bakehouse_bench_${randomBytes(6).toString("hex")}`;
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  await sql.unsafe(`create database ${name} template template0`);
  await sql.end();
  const own = new URL(url);
  own.pathname = `/${name}`;
  return own.href;
}

/** Stops the Postgres that was started here. */
export async function stopDatabases(): Promise<void> {
  await (await acquired)?.stop();
}

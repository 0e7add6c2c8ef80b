import { randomBytes } from "node:crypto";

import postgres from "postgres";

import { acquirePostgres } from "../support/postgres.ts";

let acquired: ReturnType<typeof acquirePostgres> | undefined;

/** A database of its own on a real Postgres, which is started when the first one is asked for. */
export async function newDatabase(): Promise<string> {
  acquired ??= acquirePostgres();
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

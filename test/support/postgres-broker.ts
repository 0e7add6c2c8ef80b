import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";

import postgres from "postgres";
import type { TestProject } from "vitest/node";

import { openStore } from "../../src/storage/open.ts";
import { acquirePostgres, type TestPostgres } from "./postgres.ts";

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

/**
 * Serves databases to tests, from a Postgres that is only acquired when the first one is asked for: most
 * tests need none. Every database is gone when the run ends.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let acquired: Promise<TestPostgres> | undefined;
  let template: Promise<string> | undefined;
  const made: string[] = [];

  async function create(from: string): Promise<{ readonly name: string; readonly url: string }> {
    acquired ??= acquirePostgres();
    const { url, source } = await acquired;
    const file = process.env[SOURCE_FILE];
    if (file !== undefined) writeFileSync(file, source);
    const name = `bakehouse_test_${randomBytes(6).toString("hex")}`;
    await statement(url, `create database ${name} template ${from}`);
    made.push(name);
    const own = new URL(url);
    own.pathname = `/${name}`;
    return { name, url: own.href };
  }

  async function createTemplate(): Promise<string> {
    const { name, url } = await create("template0");
    const store = await openStore({ place: { kind: "server", url }, deadline: 60_000 });
    await store.close();
    return name;
  }

  async function serve(path: string | undefined): Promise<string> {
    if (path !== MIGRATED) return (await create("template0")).url;
    template ??= createTemplate();
    return (await create(await template)).url;
  }

  const broker = createServer((request, response) => {
    // A worker asks again much later, and a connection that was kept may be closed at that very moment.
    response.setHeader("connection", "close");
    serve(request.url).then(
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
    const { url, temporary, stop } = await acquired;
    try {
      // Each drop is a checkpoint: a minute for what goes with its server anyway.
      if (temporary) return;
      for (const name of made) await statement(url, `drop database if exists ${name} with (force)`);
    } finally {
      await stop();
    }
  };
}

async function statement(url: string, text: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(text);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

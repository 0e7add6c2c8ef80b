import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";

import postgres from "postgres";
import type { TestProject } from "vitest/node";

import { acquirePostgres, type TestPostgres } from "./postgres.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where a test asks for a database. */
    readonly databaseBroker: string;
  }
}

/** Environment variable that names a file to which the source of Postgres is written. */
export const SOURCE_FILE = "BAKEHOUSE_TEST_POSTGRES_SOURCE_FILE";

/**
 * Serves databases to tests, from a Postgres that is only acquired when the first one is asked for: most
 * tests need none. Every database is dropped when the run ends.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  let acquired: Promise<TestPostgres> | undefined;
  const made: string[] = [];

  async function create(): Promise<string> {
    acquired ??= acquirePostgres();
    const { url, source } = await acquired;
    const file = process.env[SOURCE_FILE];
    if (file !== undefined) writeFileSync(file, source);
    const name = `bakehouse_test_${randomBytes(6).toString("hex")}`;
    await statement(url, `create database ${name} template template0`);
    made.push(name);
    const own = new URL(url);
    own.pathname = `/${name}`;
    return own.href;
  }

  const broker = createServer((_request, response) => {
    create().then(
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
  project.provide("databaseBroker", `http://127.0.0.1:${address.port}/`);

  return async () => {
    broker.close();
    broker.closeAllConnections();
    if (acquired === undefined) return;
    const { url, stop } = await acquired;
    try {
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

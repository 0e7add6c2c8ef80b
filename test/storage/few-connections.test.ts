import { randomBytes } from "node:crypto";

import { describe, expect, onTestFinished, test } from "vitest";

import type { Store } from "../../src/domain/ports/store.ts";
import { openStore } from "../../src/storage/open.ts";
import { testDatabaseUrl } from "../support/database.ts";
import { findProgram } from "../support/find-program.ts";
import { type PgBouncerOptions, startPgBouncer } from "../support/pgbouncer.ts";
import { raw } from "./raw.ts";

/** Fewer than a pool takes by itself. */
const LIMIT = 3;

/** The URL of a role that may have so many connections. */
async function limitedRole(): Promise<string> {
  const url = new URL(await testDatabaseUrl());
  const role = `few_${randomBytes(6).toString("hex")}`;
  await raw(
    url.href,
    `create role ${role} login password 'test' in role bakehouse_app connection limit ${LIMIT}`,
  );
  onTestFinished(async () => {
    await raw(url.href, `drop role ${role}`);
  });
  const own = new URL(url);
  own.username = role;
  own.password = "test";
  return own.href;
}

/** The URL of a pooler that lets in so many clients, or lets the others wait. */
async function limitedPooler(options: Pick<PgBouncerOptions, "mode" | "settings">): Promise<string> {
  const url = await testDatabaseUrl();
  const { username, password } = new URL(url);
  const pooler = await startPgBouncer({
    ...options,
    server: url,
    users: { [username]: decodeURIComponent(password) },
  });
  onTestFinished(pooler.stop);
  return pooler.through(url);
}

const FULL = /^database \S+: it has no connection left \(.*\): lower DATABASE_POOL, .*; going on with/;
const LATE = /^database \S+: it did not answer in time: .*; going on with/;
const CROWDED = { mode: "session", settings: { default_pool_size: LIMIT } } as const;
const CLOSED = { mode: "transaction", settings: { max_client_conn: LIMIT } } as const;

const PLACES = [
  { name: "a role with a connection limit", place: limitedRole, says: FULL, connectTimeout: 10_000 },
  ...(findProgram("pgbouncer") === undefined
    ? []
    : [
        {
          name: "PgBouncer with max_client_conn",
          place: () => limitedPooler(CLOSED),
          says: FULL,
          connectTimeout: 10_000,
        },
        {
          name: "PgBouncer whose sessions are all taken",
          place: () => limitedPooler(CROWDED),
          says: LATE,
          connectTimeout: 3_000,
        },
      ]),
];

async function open(url: string, connectTimeout: number, said: string[]): Promise<Store> {
  const store = await openStore({
    place: { kind: "server", url },
    deadline: 15_000,
    connectTimeout,
    report: {
      failed: ({ operation }) => said.push(`${operation} failed`),
      unreachable: (reason) => said.push(reason),
      warn: (text) => said.push(text),
    },
  });
  onTestFinished(store.close);
  return store;
}

describe("[postgres] a server that has fewer connections than the pool may take", () => {
  test.each(PLACES)(
    "$name: everybody is served over those, and it is said once",
    async ({ place, says, connectTimeout }) => {
      const said: string[] = [];
      const store = await open(await place(), connectTimeout, said);
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(
          Array.from({ length: 40 }, (_, n) =>
            store.transaction("test", async ({ platforms }) => {
              await platforms.find(`p${n}`);
            }),
          ),
        );
      }
      await expect.poll(() => said.length).toBeGreaterThan(0);
      expect(said).toEqual([expect.stringMatching(says)]);
    },
  );
});

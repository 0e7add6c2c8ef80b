/** What a migration locks: all at once before its first statement, so that changes of older processes wait and none fails. */
import { setTimeout as pause } from "node:timers/promises";

import { describe, expect, test } from "vitest";

import type { Connection } from "../../src/storage/engine/connection.ts";
import { lockTables, tablesOf } from "../../src/storage/migrate/lock-tables.ts";
import { migrate } from "../../src/storage/migrate/migrate.ts";
import { defaultMigrationsFolder, readMigrations } from "../../src/storage/migrate/migrations.ts";
import { explainStart } from "../../src/storage/start-failure.ts";
import { emptyDatabaseUrl, testDatabaseUrl } from "../support/database.ts";
import { connect } from "./connect.ts";
import { later } from "./later.ts";
import { raw } from "./raw.ts";

const migrations = readMigrations(defaultMigrationsFolder());

/** The connection's own locks on tables of the schema, but for those of readers: no change waits for one. */
async function locksOf({
  query,
}: Pick<Connection, "query">): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = await query(
    `select c.relname::text as name, string_agg(l.mode, ' ' order by l.mode) as modes
     from pg_locks as l join pg_class as c on c.oid = l.relation join pg_namespace as n on n.oid = c.relnamespace
     where l.pid = pg_backend_pid() and l.granted and l.mode <> 'AccessShareLock' and n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition
     group by c.relname`,
    [],
  );
  return new Map(rows.map(({ name, modes }) => [String(name), String(modes).split(" ")]));
}

const TABLES =
  "select relname::text as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')";

describe("[postgres] a migration", () => {
  test("needs no lock on a table that was there, but those that it takes before its first statement", async () => {
    const url = await emptyDatabaseUrl();
    const connection = await connect(url);
    await migrate(connection, { migrations: migrations.slice(0, 1), lock: "advisory" });
    for (let count = 2; count <= migrations.length; count += 1) {
      const there = new Set((await connection.query(TABLES, [])).map(({ name }) => String(name)));
      const atEnd: (readonly [string, readonly string[]])[] = [];
      const watched = {
        ...connection,
        async commit() {
          for (const [name, modes] of await locksOf(connection))
            if (there.has(name)) atEnd.push([name, modes]);
          await connection.commit();
        },
      };
      await migrate(watched, { migrations: migrations.slice(0, count), lock: "advisory" });
      const one = migrations[count - 1];
      for (const [name, modes] of atEnd)
        expect(modes, `${one?.tag}: ${name}`).toContain("AccessExclusiveLock");
      const named = tablesOf(one === undefined ? [] : [one]).filter((name) => there.has(name));
      expect(atEnd.map(([name]) => name).sort(), one?.tag).toEqual(named);
    }
  });

  test("waits for a transaction that has one table and then asks for another, and that one goes on", async () => {
    const url = await testDatabaseUrl();
    const [migrator, worker] = await Promise.all([connect(url), connect(url)]);
    await worker.begin();
    await worker.query("lock table public.tokens in row exclusive mode", []);
    const both = later(
      "alter table public.platforms add column one integer",
      "alter table public.tokens add column two integer",
    );
    const work = migrate(migrator, { migrations: [...migrations, both], lock: "advisory" });
    // Longer than the server takes to look for deadlocks: who asks then and closes a circle is given up.
    await pause(1_200);
    const begun = performance.now();
    await worker.query("lock table public.platforms in row exclusive mode", []);
    // It stood behind one try at most.
    expect(performance.now() - begun).toBeLessThan(5_000);
    await pause(600);
    await worker.commit();
    expect(await work).toEqual(["9999_later"]);
    expect(await raw(url, "select one from platforms")).toEqual([]);
  });

  test("of a table that another session does not let go says so, and has changed nothing", async () => {
    const url = await testDatabaseUrl();
    const [migrator, reader] = await Promise.all([connect(url), connect(url)]);
    await reader.begin();
    await reader.query("select 1 from public.tokens", []);
    await migrator.begin();
    const work = lockTables(migrator, [later("alter table public.tokens add column two integer")], 100);
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ operation: "migrate: lock tables", sqlstate: "55P03" });
    expect(explainStart(error, "here")).toMatchObject({
      code: "unavailable",
      message: expect.stringMatching(
        /^database here: migrate: lock tables failed \(55P03\): another session .*pg_locks/,
      ),
    });
    // What it had is given back, and its transaction could go on.
    expect(await locksOf(migrator)).toEqual(new Map());
    expect(await migrator.query("select current_setting('statement_timeout') as timeout", [])).toEqual([
      { timeout: "0" },
    ]);
  });

  test("lets those who wait have their turn between two tries", async () => {
    const url = await testDatabaseUrl();
    const [migrator, reader, caller] = await Promise.all([connect(url), connect(url), connect(url)]);
    await reader.begin();
    await reader.query("select 1 from public.tokens", []);
    await migrator.begin();
    const work = lockTables(migrator, [later("alter table public.tokens add column two integer")]);
    // Behind a lock that waits, this one would wait as long as the reader stays.
    for (let turn = 0; turn < 3; turn += 1) {
      await pause(50);
      await caller.query("select 1 from public.tokens", []);
    }
    await reader.commit();
    await work;
    expect([...(await locksOf(migrator)).keys()]).toEqual(["tokens"]);
    await migrator.commit();
  });

  test("goes on where an engine has no such statement", async () => {
    const connection = await connect(await testDatabaseUrl());
    await connection.begin();
    const other = {
      query: (text: string, values: Parameters<Connection["query"]>[1]) =>
        connection.query(text.replace("lock table", "no such statement"), values),
    };
    await lockTables(other, [later("alter table public.tokens add column two integer")]);
    expect(await locksOf(connection)).toEqual(new Map());
    await connection.query("alter table public.tokens add column two integer", []);
  });
});

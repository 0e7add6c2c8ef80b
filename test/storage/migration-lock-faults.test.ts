/** Faults of a migration that tries for its tables: changes of other sessions that fail by it, and settings of a server. */
import { setTimeout as pause } from "node:timers/promises";

import { describe, expect, test } from "vitest";

import type { Connection } from "../../src/storage/engine/connection.ts";
import { lockTables, tablesOf } from "../../src/storage/migrate/lock-tables.ts";
import { migrate } from "../../src/storage/migrate/migrate.ts";
import { defaultMigrationsFolder, readMigrations } from "../../src/storage/migrate/migrations.ts";
import { emptyDatabaseUrl, testDatabaseUrl } from "../support/database.ts";
import { connect } from "./connect.ts";
import { later } from "./later.ts";
import { raw } from "./raw.ts";

/** Its tables are locked in this order: platforms, revocations, tokens. */
const THREE = later(
  "alter table public.platforms add column one integer",
  "alter table public.revocations add column one integer",
  "alter table public.tokens add column one integer",
);

async function connections<Names extends readonly string[]>(database: string, ...names: Names) {
  const all = await Promise.all(names.map(() => connect(database)));
  return all as { [At in keyof Names]: Connection };
}

/** The outcome of a statement: "ok", or the code of its refusal. */
async function outcomeOf(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
    return "ok";
  } catch (error) {
    return Reflect.get(Object(error), "code");
  }
}

/** Resolves once so many sessions of the database wait for a lock. */
async function waiting(watch: Connection, count: number): Promise<void> {
  const asked = `select count(distinct l.pid)::int as sessions from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
    where not l.granted and a.datname = current_database()`;
  for (;;) {
    const [row] = await watch.query(asked, []);
    if (Number(row?.["sessions"]) >= count) return;
    await pause(5);
  }
}

describe("[postgres] a migration that tries for its tables", () => {
  test("makes no change fail while it waits for one table longer than the deadlock timeout", async () => {
    const url = await testDatabaseUrl();
    const [migrator, first, second, watch] = await connections(url, "migrator", "first", "second", "watch");
    await first.begin();
    await first.query("lock table public.revocations in row exclusive mode", []);
    await migrator.begin();
    const long = Promise.withResolvers<void>();
    const query: Connection["query"] = (text, values) => {
      if (text.startsWith("lock table public.revocations in")) long.resolve();
      return migrator.query(text, values);
    };
    const work = lockTables({ query }, [THREE]).then(migrator.commit);
    await long.promise;
    await waiting(watch, 1);
    await second.begin();
    await second.query("lock table public.tokens in row exclusive mode", []);
    const outcome = outcomeOf(second.query("lock table public.platforms in row exclusive mode", []));
    await pause(400);
    await first.commit();
    expect(await outcome).toBe("ok");
    await second.commit();
    await work;
  }, 30_000);

  test("makes no change fail that has waited for another one's row since before the try", async () => {
    const url = await testDatabaseUrl();
    await raw(url, "create table public.some_rows (id integer primary key)");
    await raw(url, `alter database ${new URL(url).pathname.slice(1)} set deadlock_timeout = '4s'`);
    const [migrator, first, second, watch] = await connections(url, "migrator", "first", "second", "watch");
    const insert = "insert into public.some_rows values (1) on conflict do nothing";
    await Promise.all([migrator.begin(), first.begin(), second.begin()]);
    await first.query(insert, []);
    await second.query("lock table public.tokens in row exclusive mode", []);
    const outcome = outcomeOf(second.query(insert, []));
    await waiting(watch, 1);
    await pause(2_500);
    const work = lockTables(migrator, [THREE]).then(migrator.commit);
    await waiting(watch, 2);
    const other = outcomeOf(first.query("lock table public.platforms in row exclusive mode", []));
    await other;
    await first.commit();
    expect([await other, await outcome]).toEqual(["ok", "ok"]);
    await second.commit();
    await work;
  }, 30_000);

  test("keeps nobody waiting for longer than a statement may take, whatever the deadlock timeout", async () => {
    const url = await testDatabaseUrl();
    await raw(url, `alter database ${new URL(url).pathname.slice(1)} set deadlock_timeout = '10s'`);
    const [migrator, reader, caller, watch] = await connections(url, "migrator", "reader", "caller", "watch");
    await reader.begin();
    await reader.query("select 1 from public.tokens", []);
    await migrator.begin();
    const work = outcomeOf(lockTables(migrator, [THREE], 100));
    await waiting(watch, 1);
    const begun = performance.now();
    await caller.query("select 1 from public.platforms", []);
    // As the store has it: nine tenths of a call's five seconds.
    expect(performance.now() - begun).toBeLessThan(4_500);
    await work;
  }, 30_000);

  test("gives back all that a try took, its savepoint too", async () => {
    const url = await testDatabaseUrl();
    const [migrator, reader] = await connections(url, "migrator", "reader");
    await reader.begin();
    await reader.query("select 1 from public.tokens", []);
    await migrator.begin();
    const asked: string[] = [];
    const query: Connection["query"] = (text, values) => {
      asked.push(text);
      return migrator.query(text, values);
    };
    expect(await outcomeOf(lockTables({ query }, [THREE], 700))).toBeUndefined();
    const count = (begun: string) => asked.filter((text) => text.startsWith(begun)).length;
    expect(count("lock table")).toBeGreaterThan(1);
    expect(count("release savepoint")).toBe(count("savepoint"));
  });

  test("leaves alone a table of the name that it creates", () => {
    const created = later(
      "create table public.later (id integer)",
      "create table if not exists public.last (id integer references public.tokens)",
      "alter table public.later add column one integer",
      "create table public.tokens_later partition of public.audit_events default",
    );
    expect(tablesOf([created])).toEqual(["audit_events", "tokens"]);
  });

  test("needs no right that the owner has taken from itself", async () => {
    const url = await emptyDatabaseUrl();
    const role = `owner_${new URL(url).pathname.slice(1)}`;
    await raw(
      url,
      `create role ${role} login createrole password 'x'; grant all on schema public to ${role};
       grant create on database ${new URL(url).pathname.slice(1)} to ${role}`,
    );
    const own = new URL(url);
    own.username = role;
    own.password = "x";
    const migrations = readMigrations(defaultMigrationsFolder());
    const connection = await connect(url, own.href);
    await migrate(connection, { migrations, lock: "advisory" });
    // The log is only added to: so a careful owner may have it.
    await raw(own.href, `revoke all on public.audit_events from ${role}`);
    const one = later("alter table public.audit_events add column one integer");
    expect(await migrate(connection, { migrations: [...migrations, one], lock: "advisory" })).toEqual([
      "9999_later",
    ]);
  }, 30_000);
});

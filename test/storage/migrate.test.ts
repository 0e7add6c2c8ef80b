import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, onTestFinished, test } from "vitest";

import { type MigrationLock, migrate } from "../../src/storage/migrate/migrate.ts";
import {
  defaultMigrationsFolder,
  type Migration,
  MigrationError,
  readMigrations,
} from "../../src/storage/migrate/migrations.ts";
import { openStore } from "../../src/storage/open.ts";
import { emptyDatabaseUrl, testDatabaseUrl } from "../support/database.ts";
import { casesOf } from "../support/form.ts";
import { connect } from "./connect.ts";
import { later as laterMigration } from "./later.ts";
import hashes from "./migration-hashes.json" with { type: "json" };
import { raw } from "./raw.ts";
import {
  auditEvent,
  bytes,
  issue,
  NOON,
  platform,
  principal,
  revocation,
  rootKey,
  session,
  token,
} from "./samples.ts";

const migrations = readMigrations(defaultMigrationsFolder());
const later = (over: Partial<Migration> = {}): Migration => ({
  ...laterMigration("create table later (id integer)"),
  ...over,
});

/** A copy of the migrations that a test may spoil. */
function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "bakehouse-migrations-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(defaultMigrationsFolder(), folder, { recursive: true });
  return folder;
}

function editJournal(folder: string, edit: (journal: string) => string): void {
  const file = join(folder, "meta", "_journal.json");
  writeFileSync(file, edit(readFileSync(file, "utf8")));
}

describe("journal", () => {
  test("every migration is as it was when its hash was recorded", () => {
    expect(Object.fromEntries(migrations.map(({ tag, hash }) => [tag, hash]))).toEqual(hashes);
  });

  test("dates rise strictly, and none lies in the future of its release", () => {
    const dates = migrations.map(({ when }) => when);
    expect(dates).toEqual([...new Set(dates)].toSorted((a, b) => a - b));
    expect(migrations.length).toBeGreaterThan(0);
  });

  test.each([
    { name: "not JSON", edit: () => "{" },
    { name: "another dialect", edit: (text: string) => text.replace("postgresql", "mysql") },
    { name: "a tag that leads out of the folder", edit: (text: string) => text.replace("0000_", "../0000_") },
    { name: "an index out of turn", edit: (text: string) => text.replace('"idx": 0', '"idx": 1') },
    { name: "no minimum version", edit: (text: string) => text.replace(/,\s*"minimum": "0\.1\.0"/, "") },
    { name: "a minimum that is no version", edit: (text: string) => text.replace('"0.1.0"', '"new"') },
    { name: "a date that does not rise", edit: (text: string) => text.replace(/"when": \d+/, '"when": 0') },
  ])("a journal is refused: $name", ({ edit }) => {
    const folder = copy();
    editJournal(folder, edit);
    expect(() => readMigrations(folder)).toThrow(MigrationError);
  });

  test("a folder without migrations is named", () => {
    expect(() => readMigrations("/nowhere")).toThrow("no migrations in /nowhere");
  });
});

describe("[postgres] migrations", () => {
  const locks = [{ lock: "advisory" }, { lock: "row" }] as const;
  test.each(casesOf(locks, ({ lock }) => lock === "row"))(
    "four at once on an empty database: one applies, all succeed ($lock lock)",
    async ({ lock }: { readonly lock: MigrationLock }) => {
      const url = await emptyDatabaseUrl();
      const connections = await Promise.all([1, 2, 3, 4].map(() => connect(url)));
      const applied = await Promise.all(
        connections.map((connection) => migrate(connection, { migrations, lock })),
      );
      expect(applied.flat()).toEqual(migrations.map(({ tag }) => tag));
      const recorded = await raw(
        url,
        `select hash from (
           select created_at, hash from drizzle.__drizzle_migrations
           union all select created_at, hash from drizzle.bakehouse_migrations) as recorded
         order by created_at`,
      );
      expect(recorded).toEqual(migrations.map(({ hash }) => ({ hash })));
      expect(await raw(url, "select count(*)::int as n from revocation_log")).toEqual([{ n: 1 }]);
    },
  );

  test("a migration that fails leaves nothing behind, and can be applied once it is mended", async () => {
    const url = await emptyDatabaseUrl();
    const connection = await connect(url);
    const broken = later({ statements: ["create table later (id integer)", "select 1 / 0"] });
    const work = migrate(connection, { migrations: [...migrations, broken], lock: "advisory" });
    await expect(work).rejects.toMatchObject({
      name: "StorageError",
      operation: "migration 9999_later",
      sqlstate: "22012",
    });
    expect(await raw(url, "select to_regclass('later') as later, to_regclass('tokens') as tokens")).toEqual([
      { later: null, tokens: null },
    ]);
    const mended = await migrate(connection, { migrations: [...migrations, later()], lock: "advisory" });
    expect(mended).toEqual([...migrations.map(({ tag }) => tag), "9999_later"]);
  });

  test("a database that is newer than this version is refused", async () => {
    const url = await testDatabaseUrl();
    await migrate(await connect(url), { migrations: [...migrations, later()], lock: "advisory" });
    await expect(openStore({ place: { kind: "server", url }, version: "9.0.0" })).rejects.toMatchObject({
      name: "MigrationError",
      message: expect.stringContaining("does not know"),
    });
  });

  describe("that a newer version has applied", () => {
    const newer = [
      ...migrations,
      later({ minimum: "0.2.0" }),
      later({ tag: "9999_last", when: Date.UTC(2099, 1, 1), minimum: "0.1.9", statements: ["select 1"] }),
    ];
    const migrated = async () => {
      const url = await testDatabaseUrl();
      await migrate(await connect(url), { migrations: newer, lock: "advisory", version: "0.3.0" });
      return url;
    };

    const still = ["0.2.0", "0.2.1", "0.10.0", "1.0.0", "0.2.0-rc.1"];
    test.each(casesOf(still, (version) => version === "0.2.0"))(
      "let version %s start and change nothing, because it may still work on the schema",
      async (version) => {
        const url = await migrated();
        const store = await openStore({ place: { kind: "server", url }, version });
        expect(await store.platforms.find("p")).toBeUndefined();
        await store.close();
        expect(await migrate(await connect(url), { migrations, lock: "advisory", version })).toEqual([]);
      },
    );

    const nomore = ["0.1.0", "0.1.99", "0.0.9"];
    test.each(casesOf(nomore, (version) => version === "0.1.99"))(
      "refuse version %s, and say which it takes",
      async (version) => {
        const url = await migrated();
        await expect(openStore({ place: { kind: "server", url }, version })).rejects.toMatchObject({
          name: "MigrationError",
          message: expect.stringMatching(
            `^database .*: it was migrated by a newer version, and needs 0.2.0 or later since: this is ${version}$`,
          ),
        });
      },
    );

    test("are refused beside a migration of this version's own that was left out", async () => {
      const url = await migrated();
      const own = later({ tag: "9998_own", when: Date.UTC(2098, 0, 1), minimum: "0.1.0" });
      const work = migrate(await connect(url), {
        migrations: [...migrations, own],
        lock: "advisory",
        version: "0.2.0",
      });
      await expect(work).rejects.toThrow("later than 9998_own");
    });
  });

  test("version 0.1.0, which reads drizzle's table alone, starts again as long as it can work on the schema", async () => {
    const tags = async (url: string) =>
      (
        await raw(
          url,
          "select created_at::float8 as at from drizzle.__drizzle_migrations order by created_at",
        )
      ).map(({ at }) => [...migrations, later()].find(({ when }) => when === at)?.tag);
    const itsOwn = ["0000_foundation", "0001_discharges", "0002_writing"];
    const url = await emptyDatabaseUrl();
    const connection = await connect(url);
    await migrate(connection, { migrations, lock: "advisory" });
    expect(migrations.every(({ minimum = "0.1.0" }) => minimum === "0.1.0")).toBe(true);
    expect(await tags(url)).toEqual(itsOwn);
    await migrate(connection, {
      migrations: [...migrations, later({ minimum: "0.1.1" })],
      lock: "advisory",
    });
    expect(await tags(url)).toEqual([...itsOwn, "9999_later"]);
  });

  test("a migration that was edited after it was applied is refused", async () => {
    const url = await testDatabaseUrl();
    const folder = copy();
    const [first] = migrations;
    const file = join(folder, `${first?.tag}.sql`);
    writeFileSync(file, `${readFileSync(file, "utf8")}\n-- harmless`);
    await expect(
      openStore({ place: { kind: "server", url }, migrationsFolder: folder }),
    ).rejects.toMatchObject({
      name: "MigrationError",
      message: expect.stringMatching(
        `: migration ${first?.tag} was changed after it was applied to this database$`,
      ),
    });
  });

  test("a migration that is dated before an applied one is refused, not skipped", async () => {
    const url = await testDatabaseUrl();
    const connection = await connect(url);
    await migrate(connection, { migrations: [...migrations, later()], lock: "advisory" });
    const between = later({ tag: "9998_between", when: Date.UTC(2098, 0, 1) });
    const work = migrate(connection, { migrations: [...migrations, between, later()], lock: "advisory" });
    await expect(work).rejects.toThrow(MigrationError);
  });
});

describe("[postgres] roles", () => {
  const login = (url: string, role: string): string => {
    const own = new URL(url);
    own.username = role;
    own.password = "test";
    return own.href;
  };

  test("a member of bakehouse_app can do all that the service does, and no more", async () => {
    const url = await testDatabaseUrl();
    const role = new URL(url).pathname.slice(1).replace("bakehouse_test", "service");
    await raw(url, `create role ${role} login password 'test' in role bakehouse_app`);
    onTestFinished(async () => {
      await raw(url, `drop role ${role}`);
    });
    const own = login(url, role);
    const store = await openStore({ place: { kind: "server", url: own } });
    onTestFinished(() => store.close());
    await useEverything(store);

    const asService = await connect(url, own);
    for (const forbidden of [
      "create table public.mine (id integer)",
      "create schema mine",
      "drop table tokens",
      "truncate audit_events",
      "delete from audit_events",
      "update audit_events set action = 'x'",
      "delete from tokens",
      "update tokens set platform = 'x'",
      "update principals set subject = 'x'",
      "delete from platforms",
      "update revocations set number = 1",
      "update revocation_log set epoch = 'x'",
      "update revocation_log set timeline = 9",
      "update revocation_log set disputed = null",
      "update revocation_hashes set number = 9",
      "create or replace function public.bakehouse_least_retention() returns interval language sql as 'select null'",
      "delete from revocation_log",
      "select public.bakehouse_grant()",
      "insert into drizzle.__drizzle_migrations (hash) values ('x')",
      "delete from drizzle.bakehouse_migrations",
      "set role postgres",
    ]) {
      await expect(asService.query(forbidden, []), forbidden).rejects.toMatchObject({ code: "42501" });
    }
    // Only the two tables that are kept by month, and nothing young of them.
    for (const [table, before] of [
      ["platforms", "now() - interval '1 year'"],
      ["audit_events", "now()"],
      ["tokens", "now() - interval '90 days'"],
    ]) {
      await expect(
        asService.query(`select public.bakehouse_drop_partitions('${table}', ${before})`, []),
      ).rejects.toMatchObject({ code: "22023" });
    }
  });

  test("a role without the right to migrate is told so", async () => {
    const url = await emptyDatabaseUrl();
    const role = new URL(url).pathname.slice(1).replace("bakehouse_test", "nobody");
    await raw(url, `create role ${role} login password 'test'`);
    onTestFinished(async () => {
      await raw(url, `drop role ${role}`);
    });
    await expect(openStore({ place: { kind: "server", url: login(url, role) } })).rejects.toMatchObject({
      name: "MigrationError",
      message: expect.stringContaining("no right"),
    });
  });

  test("an owner who may not create roles migrates all the same, and works as the owner", async () => {
    const url = await emptyDatabaseUrl();
    const name = new URL(url).pathname.slice(1);
    const role = name.replace("bakehouse_test", "owner");
    await raw(url, `create role ${role} login nocreaterole password 'test'`);
    await raw(url, `alter database ${name} owner to ${role}`);
    onTestFinished(async () => {
      await raw(url, `alter database ${name} owner to current_user`);
      await raw(url, `drop owned by ${role}; drop role ${role}`);
    });
    const withoutRole = readMigrations(defaultMigrationsFolder()).map((migration) => ({
      ...migration,
      // As on a server where nobody has made the role yet: this one is shared with other tests.
      statements: migration.statements.map((sql) => sql.replaceAll("bakehouse_app", `${role}_app`)),
    }));
    const connection = await connect(url, login(url, role));
    await migrate(connection, { migrations: withoutRole, lock: "advisory" });
    expect(await raw(url, `select from pg_roles where rolname = '${role}_app'`)).toEqual([]);
    const store = await openStore({ place: { kind: "server", url: login(url, role) }, migrate: false });
    onTestFinished(() => store.close());
    await useEverything(store);
  });
});

async function useEverything(store: Awaited<ReturnType<typeof openStore>>): Promise<void> {
  await store.platforms.insert(platform("p"));
  await store.platforms.setPolicy("p", { rules: [] });
  await store.rootKeys.insert(rootKey("k"));
  await store.rootKeys.reseal(rootKey("k").id, bytes(60, "new"));
  await store.rootKeys.retire(rootKey("k").id, NOON, NOON + 1);
  await store.principals.ensure(principal("alice"));
  await store.principals.ensure(principal("alice", { email: "alice@example.com" }));
  const key = { hash: bytes(32, 1), bodyHash: bytes(32, 2) };
  await store.idempotency.claim(key, "lease", 60_000);
  await store.transaction("everything", async (inner) => {
    await inner.platforms.lock("p");
    await inner.tokens.insert(token(1));
    await inner.audit.append([auditEvent(1)]);
    await inner.revocations.append([revocation(1)]);
    const answer = { hash: key.hash, lease: "lease", sealed: bytes(9, "sealed"), life: 60_000 };
    const newcomer = { newcomer: true, principal: principal("bob", { email: "bob@example.com" }) };
    expect(await inner.issues.record([issue(2, { answer, ...newcomer })])).toEqual(["recorded"]);
  });
  await store.issues.look([principal("alice")]);
  expect((await store.tokens.list({ platform: "p" }, { limit: 1, after: undefined })).items).toHaveLength(1);
  expect((await store.revocations.read(0, 9, { kind: "platform", platform: "p" })).entries).toHaveLength(1);
  await store.sessions.insert(session("s"));
  await store.sessions.end(session("s").idHash);
  await store.sessions.dropExpired(NOON);
  await store.idempotency.release(key, "lease");
  expect(await store.idempotency.dropExpired()).toBe(0);
  expect(await store.revocations.dropBefore(NOON)).toBe(0);
  const { position } = await store.revocations.state(1);
  await store.revocations.attest(position.epoch);
  expect(await store.revocations.adopt(position.epoch)).toBe(false);
  await store.revocations.dispute("another epoch", "another epoch-1");
  expect(await store.rootKeys.destroyExpired(NOON + 2)).toHaveLength(1);
  await store.maintainPartitions(NOON - 365 * 86_400_000);
}

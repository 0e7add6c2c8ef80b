import { setTimeout as pause } from "node:timers/promises";

import { beforeAll, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import type { Repositories } from "../../src/domain/ports/store.ts";
import { connectServer } from "../../src/storage/server/connect.ts";
import { calmNow } from "../support/calm-clock.ts";
import { describeOn, describeOnBoth, type TestStore } from "../support/database.ts";
import { until } from "../support/until.ts";
import { raw } from "./raw.ts";
import { platform, rootKey } from "./samples.ts";

const UNAVAILABLE = { name: "DomainError", code: "unavailable", message: "the database did not answer" };

describeOnBoth("store", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
  });

  test("a transaction that resolves is committed, and its result passed on", async () => {
    const result = await db.store.transaction("test", async ({ platforms }) => {
      await platforms.insert(platform("committed"));
      return 42;
    });
    expect(result).toBe(42);
    expect(await db.store.platforms.find("committed")).toBeDefined();
  });

  test("a transaction that rejects is undone, and the very rejection passed on", async () => {
    const refusal = new DomainError("conflict", "no");
    const work = db.store.transaction("test", async ({ platforms }) => {
      await platforms.insert(platform("undone"));
      throw refusal;
    });
    await expect(work).rejects.toBe(refusal);
    expect(await db.store.platforms.find("undone")).toBeUndefined();
  });

  test("a transaction reads what it wrote", async () => {
    const seen = await db.store.transaction("test", async ({ platforms }) => {
      await platforms.insert(platform("own write"));
      return platforms.find("own write");
    });
    expect(seen).toEqual(platform("own write"));
  });

  test("work that swallows a fault is told that nothing was committed", async () => {
    await db.store.platforms.insert(platform("p"));
    await db.store.rootKeys.insert(rootKey("there"));
    const work = db.store.transaction("test", async ({ platforms, rootKeys }) => {
      await platforms.insert(platform("swallowed"));
      await rootKeys.insert(rootKey("there")).catch(() => {});
      return "all is well";
    });
    await expect(work).rejects.toMatchObject({ name: "StorageError", sqlstate: "23505" });
    expect(await db.store.platforms.find("swallowed")).toBeUndefined();
  });

  test("what the work did not wait for is committed with it or not at all", async () => {
    await db.store.transaction("test", async ({ platforms }) => {
      void platforms.insert(platform("not awaited"));
    });
    expect(await db.store.platforms.find("not awaited")).toBeDefined();
  });

  test("a fault that the work did not wait for undoes it all the same", async () => {
    await db.store.platforms.insert(platform("taken"));
    await db.store.rootKeys.insert(rootKey("taken", { platform: "taken" }));
    const work = db.store.transaction("test", async ({ platforms, rootKeys }) => {
      await platforms.insert(platform("beside a fault"));
      rootKeys.insert(rootKey("taken", { platform: "taken" })).catch(() => {});
    });
    await expect(work).rejects.toMatchObject({ name: "StorageError", sqlstate: "23505" });
    expect(await db.store.platforms.find("beside a fault")).toBeUndefined();
  });

  test("repositories of a transaction that has ended refuse to work", async () => {
    let kept: Repositories | undefined;
    await db.store.transaction("test", async (repositories) => {
      kept = repositories;
    });
    await expect(kept?.platforms.insert(platform("too late"))).rejects.toMatchObject(UNAVAILABLE);
    expect(await db.store.platforms.find("too late")).toBeUndefined();
  });

  test("many at once, more than there are connections, all get their turn", async () => {
    const names = Array.from({ length: 60 }, (_, n) => `many ${n}`);
    const done = await Promise.all(
      names.map((name) => db.store.transaction("test", ({ platforms }) => platforms.insert(platform(name)))),
    );
    expect(done.every(Boolean)).toBe(true);
  });

  test("the clock is the database's, and can be moved", async () => {
    const own = await db.store.now();
    expect(Math.abs(own - Date.now())).toBeLessThan(60_000);
    db.shift(3_600_000);
    const moved = await db.store.transaction("test", ({ now }) => now());
    db.shift(-3_600_000);
    expect(moved - own).toBeGreaterThanOrEqual(3_600_000);
    expect(moved - own).toBeLessThan(3_600_000 + 60_000);
  });

  test("the clock goes on within a transaction", async () => {
    const [first, second] = await db.store.transaction("test", async ({ now }) => {
      const begun = await now();
      await pause(20);
      return [begun, await now()];
    });
    expect(second).toBeGreaterThan(first ?? Number.POSITIVE_INFINITY);
  });

  test("refuses no changes", async () => {
    await expect(db.store.refusesChanges()).resolves.toBeUndefined();
  });
});

describeOnBoth("store with short deadlines", (open) => {
  test("work that never ends is cut off, undone, and leaves a store that works", async () => {
    const { store } = await open({ transactionDeadline: 1_000 });
    const work = store.transaction("stuck", async ({ platforms }) => {
      await platforms.insert(platform("stuck"));
      await new Promise(() => {});
    });
    await expect(work).rejects.toMatchObject(UNAVAILABLE);
    expect(await store.platforms.find("stuck")).toBeUndefined();
    expect(await store.transaction("next", ({ platforms }) => platforms.insert(platform("next")))).toBe(true);
  });

  test("whoever waits for a connection waits no longer than the deadline", async () => {
    const { store } = await open({ deadline: 1_000, transactionDeadline: 60_000, connections: 1 });
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = store.transaction("holds the only connection", async () => {
      begun.resolve();
      await held.promise;
    });
    await begun.promise;
    const started = calmNow();
    await expect(store.platforms.find("x")).rejects.toMatchObject(UNAVAILABLE);
    expect(calmNow() - started).toBeLessThan(5_000);
    held.resolve();
    await first;
    expect(await store.platforms.find("x")).toBeUndefined();
  });

  test("a closed store refuses, and closing twice is closing once", async () => {
    const { store } = await open();
    await store.close();
    await store.close();
    await expect(store.platforms.find("x")).rejects.toMatchObject(UNAVAILABLE);
  });
});

describeOn("postgres", "store and a difficult server", (open) => {
  test("a statement that waits for a lock too long is unavailable, and its connection stays good", async () => {
    // The server gives up after nine tenths of it. The rest is what a busy machine has to tell of it.
    const { store, url = "" } = await open({ deadline: 5_000, connections: 2 });
    await store.platforms.insert(platform("p"));
    await store.refusesChanges();
    const pids =
      "select pid from pg_stat_activity where datname = current_database() and application_name = 'bakehouse'";
    const held = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = store.transaction("holds the row", async ({ platforms }) => {
      await platforms.lock("p");
      begun.resolve();
      await held.promise;
    });
    await begun.promise;
    await store.platforms.find("p");
    const before = await raw(url, pids);
    const second = store.transaction("waits for the row", ({ platforms }) => platforms.lock("p"));
    await expect(second).rejects.toMatchObject(UNAVAILABLE);
    held.resolve();
    await first;
    expect(await store.platforms.find("p")).toBeDefined();
    expect(await raw(url, pids)).toEqual(expect.arrayContaining([...before]));
  });

  test("a connection that is cut in the middle of a transaction undoes it and is not replaced silently", async () => {
    const { store, url = "" } = await open({ connections: 2 });
    const work = store.transaction("cut", async ({ platforms }) => {
      await platforms.insert(platform("before the cut"));
      await raw(
        url,
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and state = 'idle in transaction'`,
      );
      await pause(200); // so that the store has most likely noticed: it fails either way
      await platforms.insert(platform("after the cut"));
    });
    await expect(work).rejects.toMatchObject(UNAVAILABLE);
    expect(await store.platforms.find("before the cut")).toBeUndefined();
    expect(await store.platforms.find("after the cut")).toBeUndefined();
  });

  test("idle connections that the server cut are replaced before anyone notices", async () => {
    const { store, url = "" } = await open({ connections: 4, deadline: 60_000 });
    const manyAsk = () => Promise.all(Array.from({ length: 8 }, () => store.platforms.find("p")));
    await manyAsk();
    const own = "from pg_stat_activity where datname = current_database() and application_name = 'bakehouse'";
    // Again and again: one that was being opened meanwhile comes later.
    await until(async () => (await raw(url, `select pg_terminate_backend(pid) ${own}`)).length === 0);
    await pause(200); // their last words are on their way
    await expect(manyAsk()).resolves.toBeDefined();
  });

  test("an acknowledged change is on disk even where the database is set to forget it", async () => {
    const { url = "" } = await open();
    const [row] = await raw(url, "select current_database() as name");
    await raw(url, `alter database ${String(row?.["name"])} set synchronous_commit = off`);
    expect(await raw(url, "show synchronous_commit")).toEqual([{ synchronous_commit: "off" }]);
    const settings = { url, connectTimeout: 3_000, statementTimeout: 0, idleInTransactionTimeout: 0 };
    const connection = await connectServer(settings)();
    expect(await connection.query("show synchronous_commit", [])).toMatchObject([
      { synchronous_commit: "on" },
    ]);
    await connection.close();
  });
});

import { beforeAll, expect, test } from "vitest";

import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { id, platform, principal } from "./samples.ts";

describeOnEachDatabase("principals", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
    await db.store.platforms.insert(platform("p"));
    await db.store.platforms.insert(platform("q"));
  });

  test("the first is inserted, and found by its id", async () => {
    const alice = principal("alice", { email: "alice@example.com", development: true });
    expect(await db.store.principals.ensure(alice)).toEqual(alice);
    expect(await db.store.principals.find(alice.id)).toEqual(alice);
    expect(await db.store.principals.find("nobody")).toBeUndefined();
    expect(await db.store.principals.find("nul\0")).toBeUndefined();
  });

  test("the same human again is the same principal, with the id of the first", async () => {
    const first = await db.store.principals.ensure(principal("bob"));
    const again = await db.store.principals.ensure(principal("bob", { id: id("another"), createdAt: 5 }));
    expect(again).toEqual(first);
    expect(await db.store.principals.find(id("another"))).toBeUndefined();
  });

  test("an email is brought up to date, and taken away where it is no longer verified", async () => {
    const first = await db.store.principals.ensure(principal("carol", { email: "old@example.com" }));
    const newer = await db.store.principals.ensure(
      principal("carol", { id: id("x"), email: "new@example.com" }),
    );
    expect(newer).toEqual({ ...first, email: "new@example.com" });
    expect(await db.store.principals.ensure(principal("carol", { id: id("y") }))).toEqual({
      ...first,
      email: null,
    });
    expect(await db.store.principals.find(first.id)).toEqual({ ...first, email: null });
  });

  test("whose e-mail was changed lately is told, whoever changed it", async () => {
    const first = await db.store.principals.ensure(principal("rita", { email: "rita@example.com" }));
    const still = await db.store.principals.ensure(principal("sven", { email: "sven@example.com" }));
    await db.store.principals.ensure(still);
    const lately = async () =>
      (await db.store.principals.changedWithin(60_000)).filter(({ id }) => [first.id, still.id].includes(id));
    expect(await lately()).toEqual([]);
    await db.store.principals.ensure({ ...first, email: null });
    expect(await lately()).toEqual([{ id: first.id, email: null }]);
    expect(await db.store.principals.changedWithin(0)).toEqual([]);
  });

  test.each([
    { what: "platform", over: { platform: "q" } },
    { what: "issuer", over: { issuer: "https://issuer.test/" } },
    { what: "subject", over: { subject: "DAVE" } },
    { what: "voucher", over: { assertedBy: "platform" } },
  ] as const)("another $what is another principal", async ({ what, over }) => {
    const first = await db.store.principals.ensure(principal("dave"));
    const other = await db.store.principals.ensure(principal("dave", { ...over, id: id(`dave by ${what}`) }));
    expect(other.id).not.toBe(first.id);
  });

  test.each([{ subject: "nul\0" }, { subject: "\ud800" }])(
    "a subject that would not be stored as it is is refused: $subject",
    async ({ subject }) => {
      await expect(db.store.principals.ensure(principal(subject))).rejects.toMatchObject({
        name: "StorageError",
      });
    },
  );
});

describeOnServer("principals at once", (open) => {
  test("twenty first logins of one human make one principal", async () => {
    const { store } = await open();
    await store.platforms.insert(platform("p"));
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.transaction("login", ({ principals }) =>
          principals.ensure(
            principal("erin", { id: id(`erin ${n}`), email: n % 2 === 0 ? null : "erin@example.com" }),
          ),
        ),
      ),
    );
    expect(new Set(made.map((one) => one.id)).size).toBe(1);
  });

  test("issuing for one human does not queue behind another transaction that issues for them", async () => {
    const { store } = await open();
    await store.platforms.insert(platform("p"));
    await store.principals.ensure(principal("frank"));
    const held = Promise.withResolvers<void>();
    const first = store.transaction("first", async ({ principals }) => {
      await principals.ensure(principal("frank"));
      await held.promise;
    });
    const second = await store.transaction("second", ({ principals }) =>
      principals.ensure(principal("frank")),
    );
    expect(second.subject).toBe("frank");
    held.resolve();
    await first;
  });
});

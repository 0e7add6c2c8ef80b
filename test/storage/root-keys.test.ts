import { beforeEach, expect, test } from "vitest";

import { describeOnEachDatabase, type TestStore } from "../support/database.ts";
import { bytes, id, NOON, platform, rootKey } from "./samples.ts";

describeOnEachDatabase("root keys", (open) => {
  let db: TestStore;
  let count = 0;
  let name = "";
  beforeEach(async () => {
    db ??= await open();
    count += 1;
    name = `p${count}`;
    await db.store.platforms.insert(platform(name));
  });

  test("what is inserted is found, unchanged, its bytes as plain bytes", async () => {
    const key = rootKey("whole", { platform: name, retiredAt: NOON + 1, expiresAt: NOON + 2 });
    await db.store.rootKeys.insert(key);
    const found = await db.store.rootKeys.find(key.id);
    expect(found).toStrictEqual(key);
    expect(found?.sealed.constructor).toBe(Uint8Array);
  });

  test.each([{ bad: "unknown0unknown0" }, { bad: "" }, { bad: "nul\0" }, { bad: "\udc00" }])(
    "an id that never existed is undefined: $bad",
    async ({ bad }) => {
      expect(await db.store.rootKeys.find(bad)).toBeUndefined();
    },
  );

  test("an id is used once", async () => {
    const key = rootKey("twice", { platform: name });
    await db.store.rootKeys.insert(key);
    await expect(db.store.rootKeys.insert(key)).rejects.toMatchObject({
      name: "StorageError",
      sqlstate: "23505",
    });
  });

  test("a key cannot belong to a platform that is not there", async () => {
    await expect(db.store.rootKeys.insert(rootKey("orphan", { platform: "nowhere" }))).rejects.toMatchObject({
      sqlstate: "23503",
    });
  });

  test("newest goes by the instant it is active from, not by when it was made", async () => {
    await db.store.rootKeys.insert(
      rootKey("early", { platform: name, createdAt: NOON + 9, activeFrom: NOON }),
    );
    await db.store.rootKeys.insert(
      rootKey("late", { platform: name, createdAt: NOON, activeFrom: NOON + 1 }),
    );
    expect((await db.store.rootKeys.newest(name))?.id).toBe(id("late"));
    expect(await db.store.rootKeys.newest("nowhere")).toBeUndefined();
  });

  test("usable are those that have not expired, the boundary excluded", async () => {
    const end = NOON - 1_000;
    const ids = { forEver: id("for ever"), past: id("past"), at: id("at"), after: id("after") };
    await db.store.rootKeys.insert(rootKey("for ever", { platform: name }));
    await db.store.rootKeys.insert(rootKey("past", { platform: name, retiredAt: NOON, expiresAt: end - 1 }));
    await db.store.rootKeys.insert(rootKey("at", { platform: name, retiredAt: NOON, expiresAt: end }));
    await db.store.rootKeys.insert(rootKey("after", { platform: name, retiredAt: NOON, expiresAt: end + 1 }));
    const usable = (await db.store.rootKeys.usable(end)).filter((key) => key.platform === name);
    expect(usable.map((key) => key.id).sort()).toEqual([ids.forEver, ids.after].sort());
    expect(await db.store.rootKeys.destroyExpired(end)).toEqual([ids.past]);
    expect(await db.store.rootKeys.find(ids.past)).toBeUndefined();
    expect(await db.store.rootKeys.find(ids.forEver)).toBeDefined();
  });

  test("retiring and resealing change that and nothing else", async () => {
    const key = rootKey("changed", { platform: name });
    const other = rootKey("other", { platform: name });
    await db.store.rootKeys.insert(key);
    await db.store.rootKeys.insert(other);
    await db.store.rootKeys.retire(key.id, NOON + 1, NOON + 2);
    await db.store.rootKeys.reseal(key.id, bytes(60, "new"));
    expect(await db.store.rootKeys.find(key.id)).toEqual({
      ...key,
      sealed: bytes(60, "new"),
      retiredAt: NOON + 1,
      expiresAt: NOON + 2,
    });
    expect(await db.store.rootKeys.find(other.id)).toEqual(other);
  });

  test("resealing a key that another replica has destroyed does nothing", async () => {
    await db.store.rootKeys.reseal(id("gone"), bytes(60, "new"));
    expect(await db.store.rootKeys.find(id("gone"))).toBeUndefined();
  });

  test("lists are newest first, of one platform or all, page by page, ties included", async () => {
    const other = `${name} too`;
    await db.store.platforms.insert(platform(other));
    const keys = Array.from({ length: 7 }, (_, n) =>
      rootKey(`list ${n}`, { platform: n === 3 ? other : name, activeFrom: NOON + Math.floor(n / 3) }),
    );
    for (const key of keys) await db.store.rootKeys.insert(key);
    const newestFirst = keys
      .toSorted((a, b) => b.activeFrom - a.activeFrom || (a.id < b.id ? 1 : -1))
      .map((key) => key.id);
    for (const of of [undefined, name]) {
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await db.store.rootKeys.list(of, { limit: 2, after });
        seen.push(...page.items.map((key) => key.id).filter((key) => newestFirst.includes(key)));
        if (page.next === undefined) break;
        after = page.next;
      }
      const expected = of === undefined ? newestFirst : newestFirst.filter((key) => key !== id("list 3"));
      expect(seen).toEqual(expected);
    }
  });

  test.each([
    { after: "" },
    { after: "x" },
    { after: "1." },
    { after: "999999999999999999.abc" },
    { after: "1.a'b" },
    { after: "1.\0" },
    { after: `${"9".repeat(15)}.abc` },
  ])("a cursor of another list is refused: $after", async ({ after }) => {
    await expect(db.store.rootKeys.list(undefined, { limit: 1, after })).rejects.toMatchObject({
      name: "DomainError",
      code: "invalid_request",
      member: "cursor",
    });
  });
});

import { beforeAll, expect, test } from "vitest";

import { describeOnEachDatabase, type TestStore } from "../support/database.ts";
import { platform, resource, uuid } from "./samples.ts";

describeOnEachDatabase("resources", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
    for (const name of ["p", "q"]) await db.store.platforms.insert(platform(name));
  });

  test("what is inserted is found by id and by URI, unchanged", async () => {
    const sample = resource(1);
    expect(await db.store.resources.insert(sample)).toBe(true);
    expect(await db.store.resources.find("p", sample.id)).toEqual(sample);
    expect(await db.store.resources.findByUri(sample.resource)).toEqual(sample);
    expect(await db.store.resources.find("q", sample.id)).toBeUndefined();
  });

  test("a URI is registered once in the whole service, and the first resource stays as it was", async () => {
    const first = resource(2);
    await db.store.resources.insert(first);
    for (const [n, owner] of [
      [3, "p"],
      [4, "q"],
    ] as const) {
      const second = resource(n, { platform: owner, resource: first.resource });
      expect(await db.store.resources.insert(second)).toBe(false);
      expect(await db.store.resources.find(owner, second.id)).toBeUndefined();
    }
    expect(await db.store.resources.findByUri(first.resource)).toEqual(first);
  });

  test("of two platforms that race for a URI one has it", async () => {
    const uri = "https://mcp.example.com/raced";
    const attempts = Array.from({ length: 8 }, (_, n) =>
      db.store.transaction("register", ({ resources }) =>
        resources.insert(resource(100 + n, { platform: n % 2 === 0 ? "p" : "q", resource: uri })),
      ),
    );
    expect((await Promise.all(attempts)).filter((won) => won)).toHaveLength(1);
  });

  test("is replaced but for its URI, its platform and its time", async () => {
    const before = resource(5);
    await db.store.resources.insert(before);
    const after = {
      ...before,
      name: "Other",
      scopes: [],
      caveats: [],
      maxTtl: null,
      acceptUnbound: true,
    };
    expect(
      await db.store.resources.replace({ ...after, resource: "https://evil.example", createdAt: 1 }),
    ).toBe(true);
    expect(await db.store.resources.find("p", before.id)).toEqual(after);
    expect(await db.store.resources.replace({ ...before, platform: "q" })).toBe(false);
    expect(await db.store.resources.find("p", before.id)).toEqual(after);
  });

  test("is removed by its platform alone, and its URI is free then", async () => {
    const sample = resource(6);
    await db.store.resources.insert(sample);
    expect(await db.store.resources.remove("q", sample.id)).toBeUndefined();
    expect(await db.store.resources.remove("p", sample.id)).toEqual(sample);
    expect(await db.store.resources.remove("p", sample.id)).toBeUndefined();
    expect(await db.store.resources.findByUri(sample.resource)).toBeUndefined();
    expect(await db.store.resources.insert({ ...sample, id: uuid(7), platform: "q" })).toBe(true);
  });

  test("pages are oldest first, of one platform, and meet without gap or overlap", async () => {
    const { store } = await open();
    for (const name of ["p", "q"]) await store.platforms.insert(platform(name));
    for (const n of [3, 1, 5, 2, 4]) await store.resources.insert(resource(n));
    await store.resources.insert(resource(9, { platform: "q" }));
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await store.resources.list("p", { limit: 2, after });
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5].map((n) => uuid(n)));
    expect(await store.resources.count("p")).toBe(5);
    expect(await store.resources.count("nobody")).toBe(0);
    expect(await store.resources.uris("q")).toEqual(["https://mcp.example.com/9"]);
    await expect(store.resources.list("p", { limit: 2, after: "x" })).rejects.toMatchObject({
      code: "invalid_request",
    });
  });

  test.each(["", "nul\0byte", "lone \ud800 surrogate", "nobody"])("nothing is found for %j", async (text) => {
    const { resources } = db.store;
    expect(await resources.find(text, uuid(1))).toBeUndefined();
    expect(await resources.find("p", text)).toBeUndefined();
    expect(await resources.findByUri(text)).toBeUndefined();
    expect(await resources.remove(text, uuid(1))).toBeUndefined();
    expect(await resources.replace(resource(1, { platform: text }))).toBe(false);
    expect(await resources.list(text, { limit: 1, after: undefined })).toEqual({
      items: [],
      next: undefined,
    });
    expect(await resources.count(text)).toBe(0);
    expect(await resources.uris(text)).toEqual([]);
  });
});

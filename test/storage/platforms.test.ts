import { beforeAll, expect, test } from "vitest";

import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { platform, principal } from "./samples.ts";

describeOnEachDatabase("platforms", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
  });

  test("what is inserted is found, unchanged", async () => {
    const sample = platform("roundtrip");
    expect(await db.store.platforms.insert(sample)).toBe(true);
    expect(await db.store.platforms.find("roundtrip")).toEqual(sample);
  });

  test("a name is taken once, and the first platform stays as it was", async () => {
    const first = platform("taken");
    await db.store.platforms.insert(first);
    expect(await db.store.platforms.insert({ ...first, createdAt: 1, policy: { rules: [] } })).toBe(false);
    expect(await db.store.platforms.find("taken")).toEqual(first);
  });

  test.each([{ name: "nobody" }, { name: "" }, { name: "nul\0byte" }, { name: "lone \ud800 surrogate" }])(
    "a name that no platform has is undefined: $name",
    async ({ name }) => {
      expect(await db.store.platforms.find(name)).toBeUndefined();
      expect(await db.store.platforms.setPolicy(name, { rules: [] })).toBe(false);
      expect(await db.store.platforms.setResourceHosts(name, [])).toBe(false);
      const locked = await db.store.transaction("test", ({ platforms }) => platforms.lock(name));
      expect(locked).toBeUndefined();
    },
  );

  test("a policy is replaced as a whole", async () => {
    await db.store.platforms.insert(platform("changing"));
    const caveats = ['x in "a,b"', "ü = 🥖"];
    const rules = [
      { issuer: "https://i.test", groups: null, subjects: ["s"], caveats, maxTtl: 1, onBehalfOf: true },
    ];
    expect(await db.store.platforms.setPolicy("changing", { rules })).toBe(true);
    expect((await db.store.platforms.find("changing"))?.policy).toEqual({ rules });
  });

  test("a policy with every member is found as it was put, and one without has none of them", async () => {
    await db.store.platforms.insert(platform("full"));
    const rule = { issuer: null, groups: null, subjects: null, caveats: [], maxTtl: 1, onBehalfOf: false };
    const claims = [
      { claim: "__proto__", values: ["x"] },
      { claim: "ref", values: ["refs/heads/main", "ü \u2028"] },
    ];
    const full = {
      rules: [{ ...rule, claims, session: 86_400 }, rule],
      clients: { metadataDocuments: true, domains: ["*.example.com"] },
    };
    for (const policy of [
      full,
      { rules: [rule], clients: { metadataDocuments: false } },
      { rules: [rule] },
    ]) {
      expect(await db.store.platforms.setPolicy("full", policy)).toBe(true);
      expect((await db.store.platforms.find("full"))?.policy).toEqual(policy);
    }
  });

  test("hosts are replaced as a whole", async () => {
    await db.store.platforms.insert(platform("moving"));
    expect(await db.store.platforms.setResourceHosts("moving", ["a.example"])).toBe(true);
    expect(await db.store.platforms.find("moving")).toEqual({
      ...platform("moving"),
      resourceHosts: ["a.example"],
    });
  });

  test("of policies that are set at once the last to be recorded stays", async () => {
    await db.store.platforms.insert(platform("raced"));
    const rule = { issuer: null, groups: null, subjects: null, caveats: [], maxTtl: 1, onBehalfOf: false };
    const recorded: number[] = [];
    // As the service does it: what follows the change in its transaction follows every change before it.
    const set = (count: number) =>
      db.store.transaction("set policy", async ({ platforms, now }) => {
        await platforms.setPolicy("raced", { rules: Array.from({ length: count }, () => rule) });
        recorded.push(count);
        await now();
      });
    await Promise.all(Array.from({ length: 16 }, (_, index) => set(index + 1)));
    expect(recorded).toHaveLength(16);
    expect((await db.store.platforms.find("raced"))?.policy.rules).toHaveLength(recorded.at(-1) ?? 0);
  });

  test("pages are in the order of bytes and meet without gap or overlap", async () => {
    const own = await open();
    const names = ["B", "a", "Z", "b-1", "b_1", "é", "b"];
    for (const name of names) await own.store.platforms.insert(platform(name));
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await own.store.platforms.list({ limit: 3, after });
      seen.push(...page.items.map(({ name }) => name));
      if (page.next === undefined) break;
      after = page.next;
    }
    expect(seen).toEqual(["B", "Z", "a", "b", "b-1", "b_1", "é"]);
  });

  test("a page that holds the last item names no next one", async () => {
    const own = await open();
    await own.store.platforms.insert(platform("only"));
    expect(await own.store.platforms.list({ limit: 1, after: undefined })).toEqual({
      items: [platform("only")],
      next: undefined,
    });
  });
});

describeOnServer("platform locks", (open) => {
  test("a second transaction waits for the first one's lock, while principals and keys go on", async () => {
    const { store } = await open();
    await store.platforms.insert(platform("p"));
    const order: string[] = [];
    const held = Promise.withResolvers<void>();
    const first = store.transaction("first", async ({ platforms }) => {
      await platforms.lock("p");
      order.push("first has it");
      await held.promise;
      order.push("first lets go");
    });
    await expect.poll(() => order).toEqual(["first has it"]);
    const second = store.transaction("second", async ({ platforms }) => {
      await platforms.lock("p");
      order.push("second has it");
    });
    // Refers to the platform's row, and must not wait for its lock.
    await store.principals.ensure(principal("meanwhile"));
    order.push("a principal was written");
    held.resolve();
    await Promise.all([first, second]);
    expect(order).toEqual(["first has it", "a principal was written", "first lets go", "second has it"]);
  });
});

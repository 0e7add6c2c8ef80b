import { beforeAll, expect, test } from "vitest";

import { describeOnEachDatabase, type TestStore } from "../support/database.ts";

const ISSUER = "https://issuer.test";
const NOW = Date.parse("2026-11-27T12:00:00Z");
const DAY = 86_400_000;

describeOnEachDatabase("people", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
  });
  const person = (subject: string, email: string | null = null, name: string | null = null) => ({
    issuer: ISSUER,
    subject,
    email,
    name,
  });
  const saw = (one: ReturnType<typeof person>, at: number, isWhole = false) =>
    db.store.people.saw(one, at, { saidAt: at, isWhole });
  const known = async (...names: readonly string[]) =>
    (await db.store.people.known(ISSUER, names)).map(({ subject }) => subject).sort();

  test("are known by subject to the letter, and by e-mail in any case", async () => {
    const alice = person("Alice", "Alice@Example.com", "Alice");
    await saw(alice, NOW);
    expect(await db.store.people.known(ISSUER, ["Alice"])).toEqual([alice]);
    expect(await db.store.people.known(ISSUER, ["aLICE@example.COM", "Alice"])).toEqual([alice]);
    expect(await known("alice")).toEqual([]);
    expect(await db.store.people.known("https://else.test", ["Alice", "alice@example.com"])).toEqual([]);
    expect(await known()).toEqual([]);
    expect(await known("a\0b", "\ud800")).toEqual([]);
  });

  test("two with one e-mail are both found", async () => {
    await saw(person("one", "shared@example.com"), NOW);
    await saw(person("two", "shared@example.com"), NOW);
    expect(await known("shared@example.com", "one")).toEqual(["one", "two"]);
  });

  test("what is not said stays, what is said replaces", async () => {
    await saw(person("carol", "carol@example.com", "Carol"), NOW);
    await saw(person("carol"), NOW + 1);
    expect(await db.store.people.known(ISSUER, ["carol"])).toEqual([
      person("carol", "carol@example.com", "Carol"),
    ]);
    await saw(person("carol", "new@example.com"), NOW + 2);
    expect(await known("carol@example.com")).toEqual([]);
    expect(await known("new@example.com")).toEqual(["carol"]);
  });

  test("an e-mail that the issuer was asked for and does not vouch for is theirs no more", async () => {
    await saw(person("olga", "lead@example.com", "Olga"), NOW);
    await saw(person("olga"), NOW + 1, true);
    expect(await db.store.people.known(ISSUER, ["olga", "lead@example.com"])).toEqual([
      person("olga", null, "Olga"),
    ]);
  });

  test("an older word of the issuer replaces no younger one", async () => {
    const before = person("vera", "taken@example.com", "Boss");
    await saw(person("vera", null, "Vera"), NOW, true);
    await db.store.people.saw(before, NOW + 60_000, { saidAt: NOW - 1, isWhole: false });
    expect(await db.store.people.known(ISSUER, ["vera", "taken@example.com"])).toEqual([
      person("vera", null, "Vera"),
    ]);
    // That it was said again makes it younger, though nothing has changed.
    await saw(person("vera", null, "Vera"), NOW + 600_000, true);
    await db.store.people.saw(before, NOW + 700_000, { saidAt: NOW + 500_000, isWhole: false });
    expect(await known("taken@example.com")).toEqual([]);
    await db.store.people.saw(before, NOW + 800_000, { saidAt: NOW + 800_000, isWhole: false });
    expect(await known("taken@example.com")).toEqual(["vera"]);
  });

  test("those who were not seen since an instant are dropped", async () => {
    await saw(person("old"), NOW - 400 * DAY);
    await saw(person("back"), NOW - 400 * DAY);
    await saw(person("back"), NOW);
    await db.store.people.dropBefore(NOW - 300 * DAY);
    expect(await known("old", "back")).toEqual(["back"]);
  });
});

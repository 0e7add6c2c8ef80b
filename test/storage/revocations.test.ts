import { beforeEach, expect, test } from "vitest";

import type { NewRevocation } from "../../src/domain/ports/revocations.ts";
import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { bytes, NOON, platform, principal, revocation, uuid } from "./samples.ts";

const ALL = { kind: "all" } as const;
const HASH = expect.stringMatching(/^[0-9a-f]{16}$/);
const human = { issuer: "https://issuer.test", subject: "alice" };

const append = async (db: TestStore, entries: readonly NewRevocation[]) =>
  (await db.store.revocations.append(entries)).entries;

describeOnEachDatabase("revocations", (open) => {
  let db: TestStore;
  // One log for all tests: each has entries of its own, and counts from where it found the log.
  let base = 0;
  let round = 0;
  const entry = (n: number, over: Partial<NewRevocation> = {}) => revocation(round * 100_000 + n, over);
  const linkId = (n: number) => bytes(16, `link ${round * 100_000 + n}`);
  beforeEach(async () => {
    db ??= await open();
    round += 1;
    base = (await db.store.revocations.read(0, 1, ALL)).position.number;
  });

  test("a new log is empty, and has an epoch", async () => {
    const { position, entries } = await (await open()).store.revocations.read(0, 10, ALL);
    expect(entries).toEqual([]);
    expect(position).toEqual({ epoch: expect.stringMatching(/^[0-9a-f]{32}$/), number: 0, hash: HASH });
  });

  test("entries come back as they were given, numbered from 1, every scope and target", async () => {
    const given = [
      entry(1, { scope: { kind: "all" }, reason: "leaked 🥖" }),
      entry(2, { target: { kind: "token_id", id: entry(50).id } }),
      entry(3, { scope: { kind: "principal", ...human } }),
      entry(4, { scope: { kind: "link", platform: "q" } }),
    ];
    const numbered = given.map((entry, index) => ({ ...entry, number: base + index + 1, hash: HASH }));
    const appended = await append(db, given);
    expect(appended).toEqual(numbered.map((entry) => ({ ...entry, follows: HASH })));
    const log = await db.store.revocations.read(base, 10, ALL);
    expect(log.entries).toStrictEqual(numbered);
    expect(log.entries.map(({ hash }) => hash)).toEqual(appended.map(({ hash }) => hash));
    expect(log.position.number).toBe(base + 4);
    expect(await append(db, [])).toEqual([]);
  });

  test("the same target in the same scope is the first entry again", async () => {
    const [first] = await append(db, [entry(1)]);
    const again = entry(2, { target: entry(1).target, reason: "again", revokedAt: NOON + 5 });
    // It stood there before: it follows nothing that this call has seen.
    const stood = { ...first, follows: undefined };
    const added = { ...entry(3), number: base + 2, hash: HASH, follows: first?.hash };
    expect(await append(db, [again, entry(3), again, entry(3, { id: uuid(4) })])).toEqual([
      stood,
      added,
      stood,
      added,
    ]);
    expect((await db.store.revocations.read(base, 10, ALL)).position.number).toBe(base + 2);
  });

  test("scopes and targets that only look alike are different entries", async () => {
    const target = { kind: "token_id", id: entry(60).id } as const;
    const between = "scope_kindprincipalscope_subject";
    const scopes: readonly NewRevocation["scope"][] = [
      { kind: "all" },
      { kind: "platform", platform: "all" },
      { kind: "link", platform: "all" },
      { kind: "principal", issuer: "ab", subject: "c" },
      { kind: "principal", issuer: "a", subject: "bc" },
      { kind: "principal", issuer: "abc", subject: "" },
      // Written one after the other without their lengths, these two would be the same text.
      { kind: "principal", issuer: `a${between}b`, subject: "c" },
      { kind: "principal", issuer: "a", subject: `b${between}c` },
    ];
    const entries = scopes.map((scope, n) => entry(n + 1, { scope, target }));
    expect((await append(db, entries)).map(({ number }) => number)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((n) => base + n),
    );
  });

  test("an abandoned transaction leaves no entry and no gap", async () => {
    await append(db, [entry(1)]);
    const abandoned = db.store.transaction("abandoned", async ({ revocations }) => {
      await revocations.append([entry(2), entry(3)]);
      throw new Error("abandoned");
    });
    await expect(abandoned).rejects.toThrow("abandoned");
    expect(await append(db, [entry(4)])).toMatchObject([{ number: base + 2 }]);
  });

  test("reading goes on after a number, as far as the limit", async () => {
    await append(
      db,
      Array.from({ length: 5 }, (_, n) => entry(n + 1)),
    );
    const numbers = async (after: number, limit: number) =>
      (await db.store.revocations.read(base + after, limit, ALL)).entries.map(({ number }) => number - base);
    expect(await numbers(0, 2)).toEqual([1, 2]);
    expect(await numbers(2, 2)).toEqual([3, 4]);
    expect(await numbers(4, 2)).toEqual([5]);
    const end = await db.store.revocations.read(base + 5, 2, ALL);
    expect(end).toMatchObject({ entries: [], position: { number: base + 5 } });
  });

  test("a platform sees what can match its tokens and nothing else", async () => {
    for (const name of ["p", "q"]) await db.store.platforms.insert(platform(name));
    await db.store.principals.ensure(principal("alice"));
    await db.store.principals.ensure(principal("bob", { platform: "q" }));
    await append(db, [
      entry(1, { scope: { kind: "all" } }),
      entry(2, { scope: { kind: "platform", platform: "p" } }),
      entry(3, { scope: { kind: "platform", platform: "q" } }),
      entry(4, { scope: { kind: "link", platform: "p" } }),
      entry(5, { scope: { kind: "link", platform: "q" } }),
      entry(6, { scope: { kind: "principal", ...human } }),
      entry(7, { scope: { kind: "principal", issuer: human.issuer, subject: "bob" } }),
      entry(8, { scope: { kind: "principal", issuer: "https://elsewhere.test", subject: "alice" } }),
    ]);
    const seen = async (name: string) => {
      const { entries, position } = await db.store.revocations.read(base, 10, {
        kind: "platform",
        platform: name,
      });
      expect(position.number).toBe(base + 8);
      return entries.map(({ number }) => number - base);
    };
    expect(await seen("p")).toEqual([1, 2, 4, 6]);
    expect(await seen("q")).toEqual([1, 3, 5, 7]);
    expect(await seen("nowhere")).toEqual([1]);
    expect(await seen("nul\0")).toEqual([1]);
  });

  test.each([
    { name: "all", scope: { kind: "all" }, covers: true },
    { name: "the platform", scope: { kind: "platform", platform: "p" }, covers: true },
    { name: "another platform", scope: { kind: "platform", platform: "q" }, covers: false },
    { name: "a holder of the platform's", scope: { kind: "link", platform: "p" }, covers: true },
    { name: "a holder of another's", scope: { kind: "link", platform: "q" }, covers: false },
    { name: "the human", scope: { kind: "principal", ...human }, covers: true },
    {
      name: "another human",
      scope: { kind: "principal", issuer: human.issuer, subject: "bob" },
      covers: false,
    },
  ] as const)("an entry by $name covers the link: $covers", async ({ scope, covers }) => {
    await append(db, [entry(9), entry(1, { scope })]);
    const ids = [bytes(16, "root"), linkId(1), bytes(16, "leaf")];
    const found = await db.store.revocations.covering("p", human, uuid(round * 100_000 + 80), ids);
    expect(found?.number).toBe(covers ? base + 2 : undefined);
    expect(
      await db.store.revocations.covering("p", human, uuid(round * 100_000 + 80), [bytes(16, "root")]),
    ).toBeUndefined();
  });

  test("the first of several entries that cover a link is the one", async () => {
    await append(db, [
      entry(1),
      entry(2, { target: { kind: "token_id", id: uuid(round * 100_000 + 80) } }),
      entry(3, { scope: { kind: "all" }, target: entry(1).target }),
    ]);
    const cover = (ids: readonly Uint8Array[]) =>
      db.store.revocations.covering("p", human, uuid(round * 100_000 + 80), ids);
    expect((await cover([linkId(1)]))?.number).toBe(base + 1);
    expect((await cover([]))?.number).toBe(base + 2);
    expect(
      await db.store.revocations.covering("q\0", human, uuid(round * 100_000 + 80), [linkId(1)]),
    ).toBeUndefined();
  });

  test("entries are dropped once their last match lies before the instant, and their numbers stay used", async () => {
    await append(db, [
      entry(1, { lastMatchAt: NOON - 1 }),
      entry(2, { lastMatchAt: NOON }),
      entry(3, { lastMatchAt: NOON + 1 }),
    ]);
    expect(await db.store.revocations.dropBefore(NOON)).toBe(1);
    const { entries, position } = await db.store.revocations.read(base, 10, ALL);
    expect(entries.map(({ number }) => number - base)).toEqual([2, 3]);
    expect(position.number).toBe(base + 3);
    expect(await append(db, [entry(4)])).toMatchObject([{ number: base + 4 }]);
    // What was dropped can be revoked anew.
    expect(await append(db, [entry(1, { id: entry(9).id })])).toMatchObject([
      { number: base + 5, id: entry(9).id },
    ]);
  });

  test("ten thousand entries are appended and dropped, in one call each", async () => {
    const many = Array.from({ length: 10_000 }, (_, n) => entry(n + 1, { lastMatchAt: NOON - 10 }));
    const appended = await append(db, many);
    expect(appended.every(({ number }, index) => number === base + index + 1)).toBe(true);
    const { entries } = await db.store.revocations.read(base + 9_998, 10, ALL);
    expect(entries).toEqual([
      { ...many[9_998], number: base + 9_999, hash: HASH },
      { ...many[9_999], number: base + 10_000, hash: HASH },
    ]);
    expect(await db.store.revocations.dropBefore(NOON - 9)).toBe(10_000);
  });
});

describeOnServer("revocations at once", (open) => {
  test("sixteen writers with rollbacks between them leave no gap, and no reader sees a later number first", async () => {
    const db = await open({ connections: 20 });
    const committed: number[] = [];
    let done = false;
    let reads = 0;

    async function writer(writerNumber: number): Promise<void> {
      for (let round = 0; round < 12; round += 1) {
        const n = writerNumber * 1_000 + round * 10;
        const fails = (writerNumber + round) % 3 === 0;
        const work = db.store.transaction("race", async ({ revocations }) => {
          const { entries: made } = await revocations.append([revocation(n), revocation(n + 1)]);
          if (fails) throw new Error("rolled back");
          return made;
        });
        const made = await work.catch(() => []);
        committed.push(...made.map(({ number }) => number));
      }
    }

    // Remembers the highest number that it saw, as a replica does; whatever comes below it later is lost to it.
    async function reader(): Promise<readonly number[]> {
      const seen: number[] = [];
      for (let last = false; ; ) {
        const { entries, position } = await db.store.revocations.read(seen.at(-1) ?? 0, 1_000, ALL);
        seen.push(...entries.map(({ number }) => number));
        expect(seen.at(-1) ?? 0).toBe(position.number);
        reads += 1;
        if (last) return seen;
        last = done;
      }
    }

    const reading = reader();
    await Promise.all(Array.from({ length: 16 }, (_, n) => writer(n + 1)));
    done = true;
    const expected = Array.from({ length: 16 * 12 * (2 / 3) * 2 }, (_, n) => n + 1);
    expect(committed.toSorted((a, b) => a - b)).toEqual(expected);
    expect(await reading).toEqual(expected);
    expect(reads).toBeGreaterThan(3);
  });

  test("one target revoked by thirty at once is one entry", async () => {
    const db = await open({ connections: 20 });
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => append(db, [revocation(n + 1, { target: revocation(1).target })])),
    );
    expect(new Set(answers.flat().map(({ id }) => id)).size).toBe(1);
    expect((await db.store.revocations.read(0, 100, ALL)).entries).toHaveLength(1);
  });
});

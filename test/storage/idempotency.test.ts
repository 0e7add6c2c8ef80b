import { beforeAll, beforeEach, expect, test } from "vitest";

import type { IdempotencyKey } from "../../src/domain/ports/idempotency.ts";
import type { Repositories } from "../../src/domain/ports/store.ts";
import { describeOnEachDatabase, describeOnServer, type TestStore } from "../support/database.ts";
import { raw } from "./raw.ts";
import { bytes, issue } from "./samples.ts";

const LEASE = 30_000;
const LIFE = 86_400_000;
let count = 0;
const fresh = () => {
  count += 1;
  return { hash: bytes(32, `hash ${count}`), bodyHash: bytes(32, `body ${count}`) };
};
const answer = bytes(50, "answer");

/** Keeps the answer with an issue, as the service does. @returns whether both were kept */
async function finish(
  { issues }: Pick<Repositories, "issues">,
  { hash }: IdempotencyKey,
  lease: string,
  life = LIFE,
): Promise<boolean> {
  count += 1;
  const [outcome] = await issues.record([issue(count, { answer: { hash, lease, sealed: answer, life } })]);
  return outcome === "recorded";
}

describeOnEachDatabase("idempotency", (open) => {
  let db: TestStore;
  let key = fresh();
  beforeAll(async () => {
    db = await open();
  });
  beforeEach(() => {
    key = fresh();
  });

  test("the first claim has the key, and holds it", async () => {
    expect(await db.store.idempotency.claim(key, "a", LEASE)).toEqual({ state: "claimed", lease: "a" });
    expect(await db.store.idempotency.claim(key, "b", LEASE)).toEqual({ state: "in_flight" });
  });

  test("another body under the key is told apart, in flight and answered", async () => {
    const other = { ...key, bodyHash: bytes(32, "other body") };
    await db.store.idempotency.claim(key, "a", LEASE);
    expect(await db.store.idempotency.claim(other, "b", LEASE)).toEqual({ state: "other_body" });
    await finish(db.store, key, "a");
    expect(await db.store.idempotency.claim(other, "b", LEASE)).toEqual({ state: "other_body" });
  });

  test("a kept answer is handed out as it was", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    expect(await finish(db.store, key, "a")).toBe(true);
    expect(await db.store.idempotency.claim(key, "b", LEASE)).toEqual({ state: "answered", sealed: answer });
  });

  test("a lease that ran out is taken over, and the first holder can no longer finish", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    db.shift(LEASE + 1_000);
    expect(await db.store.idempotency.claim(key, "b", LEASE)).toEqual({ state: "claimed", lease: "b" });
    expect(await finish(db.store, key, "a")).toBe(false);
    expect(await db.store.idempotency.claim(key, "c", LEASE)).toEqual({ state: "in_flight" });
    expect(await finish(db.store, key, "b")).toBe(true);
    expect(await finish(db.store, key, "b")).toBe(false);
  });

  test("a lease is not taken over before it ran out", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    db.shift(LEASE - 10_000);
    expect(await db.store.idempotency.claim(key, "b", LEASE)).toEqual({ state: "in_flight" });
  });

  test("an answer past its life counts as absent, whatever its body was", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    await finish(db.store, key, "a", 1_000);
    db.shift(2_000);
    const other = { ...key, bodyHash: bytes(32, "another day") };
    expect(await db.store.idempotency.claim(other, "b", LEASE)).toEqual({ state: "claimed", lease: "b" });
    expect(await db.store.idempotency.claim(key, "c", LEASE)).toEqual({ state: "other_body" });
  });

  test("a released key can be claimed again, with another body too", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    await db.store.idempotency.release(key, "a");
    const other = { ...key, bodyHash: bytes(32, "corrected") };
    expect(await db.store.idempotency.claim(other, "b", LEASE)).toEqual({ state: "claimed", lease: "b" });
  });

  test("nobody releases another's claim or a kept answer", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    await db.store.idempotency.release(key, "b");
    expect(await db.store.idempotency.claim(key, "c", LEASE)).toEqual({ state: "in_flight" });
    await finish(db.store, key, "a");
    await db.store.idempotency.release(key, "a");
    expect(await db.store.idempotency.claim(key, "d", LEASE)).toMatchObject({ state: "answered" });
  });

  test("an answer of an abandoned transaction is not kept", async () => {
    await db.store.idempotency.claim(key, "a", LEASE);
    const abandoned = db.store.transaction("abandoned", async (repositories) => {
      await finish(repositories, key, "a");
      throw new Error("abandoned");
    });
    await expect(abandoned).rejects.toThrow("abandoned");
    expect(await db.store.idempotency.claim(key, "b", LEASE)).toEqual({ state: "in_flight" });
  });

  test("dropping takes what has outlived its life, claims and answers alike", async () => {
    db.shift(LIFE + LEASE);
    await db.store.idempotency.dropExpired(); // what the tests before have left
    const [claimed, answered, alive] = [fresh(), fresh(), fresh()];
    await db.store.idempotency.claim(claimed, "a", LEASE);
    await db.store.idempotency.claim(answered, "b", LEASE);
    await finish(db.store, answered, "b", LEASE);
    db.shift(LEASE + 5_000);
    await db.store.idempotency.claim(alive, "c", LEASE);
    expect(await db.store.idempotency.dropExpired()).toBe(2);
    expect(await db.store.idempotency.claim(alive, "d", LEASE)).toEqual({ state: "in_flight" });
    expect(await finish(db.store, claimed, "a")).toBe(false);
  });
});

describeOnServer("idempotency at once", (open) => {
  test("of forty claims of one key one wins", async () => {
    const { store } = await open({ connections: 20 });
    for (let round = 0; round < 10; round += 1) {
      const key = fresh();
      const claims = await Promise.all(
        Array.from({ length: 40 }, (_, n) => store.idempotency.claim(key, `lease ${n}`, LEASE)),
      );
      const states = claims.map(({ state }) => state).sort();
      expect(states).toEqual(["claimed", ...Array.from({ length: 39 }, () => "in_flight")]);
    }
  });

  test("of forty takers-over of one dead claim one wins", async () => {
    const test = await open({ connections: 20 });
    const key = fresh();
    await test.store.idempotency.claim(key, "dead", LEASE);
    test.shift(LEASE + 1_000);
    const claims = await Promise.all(
      Array.from({ length: 40 }, (_, n) => test.store.idempotency.claim(key, `lease ${n}`, LEASE)),
    );
    expect(claims.filter(({ state }) => state === "claimed")).toHaveLength(1);
  });

  test("dropping spares a claim that is just being taken over", async () => {
    const db = await open();
    const key = fresh();
    await db.store.idempotency.claim(key, "dead", LEASE);
    db.shift(LEASE + 1_000);
    const held = Promise.withResolvers<void>();
    const taken = Promise.withResolvers<void>();
    const takingOver = db.store.transaction("take over", async ({ idempotency }) => {
      await idempotency.claim(key, "alive", LEASE);
      taken.resolve();
      await held.promise;
    });
    await taken.promise;
    const dropping = db.store.idempotency.dropExpired();
    await expect
      .poll(() =>
        raw(
          db.url ?? "",
          "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        ),
      )
      .toHaveLength(1);
    held.resolve();
    await takingOver;
    expect(await dropping).toBe(0);
    expect(await finish(db.store, key, "alive")).toBe(true);
  });

  test("a claim that meets a finishing transaction waits for it and gets its answer", async () => {
    const { store } = await open();
    const key = fresh();
    await store.idempotency.claim(key, "a", LEASE);
    const held = Promise.withResolvers<void>();
    const finished = Promise.withResolvers<void>();
    const finishing = store.transaction("finish", async (repositories) => {
      await finish(repositories, key, "a");
      finished.resolve();
      await held.promise;
    });
    await finished.promise;
    const claim = store.idempotency.claim(key, "b", LEASE);
    held.resolve();
    await finishing;
    expect(await claim).toEqual({ state: "answered", sealed: answer });
  });
});

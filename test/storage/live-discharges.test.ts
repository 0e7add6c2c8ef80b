/** One place for each ticket and link: held by the database, whoever asks, and how many at once. */
import { randomBytes, randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";

import { describeOnEachDatabase, type TestStore } from "../support/database.ts";

const NOW = Date.parse("2026-11-27T12:00:00Z");
const turn = (place: Uint8Array, livesUntil = NOW + 60_000) => ({
  place,
  requestId: randomUUID(),
  livesUntil,
});

describeOnEachDatabase("places of tickets that say once", (open) => {
  let opened: TestStore;
  beforeAll(async () => {
    opened = await open();
  });
  const places = () => opened.store.liveDischarges;

  test("a place is taken once, until its end, and another one beside it is free", async () => {
    const place = new Uint8Array(randomBytes(32));
    expect(await places().take(turn(place), NOW)).toBe(true);
    expect(await places().take(turn(place), NOW)).toBe(false);
    expect(await places().take(turn(place), NOW + 59_999)).toBe(false);
    expect(await places().take(turn(new Uint8Array(randomBytes(32))), NOW)).toBe(true);
    expect(await places().take(turn(place, NOW + 120_000), NOW + 60_000)).toBe(true);
    expect(await places().take(turn(place), NOW + 60_001)).toBe(false);
  });

  test("its end is moved by the request that has it alone", async () => {
    const place = new Uint8Array(randomBytes(32));
    const held = turn(place);
    await places().take(held, NOW);
    expect(await places().moveEnd(randomUUID(), NOW)).toBe(false);
    expect(await places().take(turn(place), NOW)).toBe(false);
    expect(await places().moveEnd(held.requestId, NOW)).toBe(true);
    const next = turn(place);
    expect(await places().take(next, NOW)).toBe(true);
    // Whoever had it before has lost it.
    expect(await places().moveEnd(held.requestId, NOW)).toBe(false);
    expect(await places().take(turn(place), NOW)).toBe(false);
  });

  test("of many at once one has it, and a place is not given away by a transaction that fails", async () => {
    const place = new Uint8Array(randomBytes(32));
    await expect(
      opened.store.transaction("take", async (repositories) => {
        await repositories.liveDischarges.take(turn(place), NOW);
        throw new Error("no");
      }),
    ).rejects.toThrow();
    const taken = await Promise.all(
      Array.from({ length: 8 }, () =>
        opened.store.transaction("take", ({ liveDischarges }) => liveDischarges.take(turn(place), NOW)),
      ),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    await places().dropBefore(NOW + 60_001);
    expect(await places().take(turn(place), NOW)).toBe(true);
  });
});

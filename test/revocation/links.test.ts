import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createLinkSet, LINK_SEED_BYTES } from "../../src/domain/replica/revoked-links.ts";
import { processorTime } from "../support/processor-time.ts";
import { seeded } from "../support/seed.ts";

const DAY = 86_400_000;
const NOW = 20_600 * DAY;
// The set and the ids in it are random. How full it gets is a statistic, so the draw is the same each time.
const random = seeded("links", 1);
const seed = () => random.bytes(LINK_SEED_BYTES);
const any = () => true;

function id(n: number): Uint8Array {
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

describe("the set of links", () => {
  test("is a set of pairs of id and tag, whatever is added in whatever order", () => {
    const steps = fc.array(
      fc.record({
        id: fc.oneof(fc.nat(50).map(id), fc.uint8Array({ minLength: 16, maxLength: 16 })),
        tag: fc.constantFrom(0, 1, 7, 0xffff_ffff),
        days: fc.nat(100),
        sweep: fc.boolean(),
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const set = createLinkSet(seed());
        const model = new Map<string, { id: Uint8Array; tag: number; day: number }>();
        let day = 0;
        for (const { id: bytes, tag, days, sweep } of all) {
          set.add(bytes, 0, tag, NOW + days * DAY + 5);
          const key = `${Buffer.from(bytes).toString("hex")} ${tag}`;
          const before = model.get(key)?.day ?? 0;
          model.set(key, { id: bytes, tag, day: Math.max(before, days) });
          if (!sweep) continue;
          day += 1;
          for (const _ of set.sweep(NOW + day * DAY));
          for (const [other, entry] of model) if (entry.day < day) model.delete(other);
        }
        expect(set.size).toBe(model.size);
        for (const { id: bytes, tag } of model.values()) {
          expect(set.has(bytes, 0, (found) => found === tag)).toBe(true);
          expect(set.has(bytes, 0, (found) => found === tag + 1)).toBe(
            model.has(`${Buffer.from(bytes).toString("hex")} ${tag + 1}`),
          );
        }
        expect(set.has(random.bytes(16), 0, any)).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  test("reads an id from where it stands among others", () => {
    const set = createLinkSet(seed());
    const many = new Uint8Array([...id(1), ...id(2), ...id(3)]);
    set.add(many, 16, 9, NOW);
    expect([set.has(id(2), 0, any), set.has(many, 16, any)]).toEqual([true, true]);
    expect([set.has(id(1), 0, any), set.has(many, 0, any), set.has(many, 32, any)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  test.each([false, true])("takes at most 32 bytes an entry, room reserved: %s", (reserved) => {
    const set = createLinkSet(seed());
    const count = 300_000;
    if (reserved) set.reserve(count);
    const bytes = random.bytes(16 * count);
    let worst = 0;
    for (let n = 0; n < count; n++) {
      set.add(bytes, n * 16, 1, NOW);
      if (n > 100_000) worst = Math.max(worst, n % 5_000 === 0 ? set.bytes / set.size : 0);
    }
    expect(set.size).toBe(count);
    expect(set.bytes / count).toBeLessThan(32);
    if (!reserved) expect(worst).toBeLessThan(33);
    for (let n = 0; n < count; n += 97) expect(set.has(bytes, n * 16, any)).toBe(true);
  });

  test("gives back the memory of what has left", () => {
    const set = createLinkSet(seed());
    for (let n = 0; n < 50_000; n++) set.add(id(n), 0, 1, NOW + (n % 2) * 10 * DAY);
    const full = set.bytes;
    for (const _ of set.sweep(NOW + 5 * DAY));
    expect(set.size).toBe(25_000);
    expect(set.bytes).toBeLessThan(full * 0.65);
    for (const _ of set.sweep(NOW + 20 * DAY));
    expect([set.size, set.bytes]).toEqual([0, 0]);
  });

  test("nothing leaves before the end of its day", () => {
    const set = createLinkSet(seed());
    set.add(id(1), 0, 1, NOW + DAY - 1);
    for (const _ of set.sweep(NOW + DAY - 1));
    expect(set.size).toBe(1);
    for (const _ of set.sweep(NOW + DAY));
    expect(set.size).toBe(0);
  });

  // Ids are chosen by whoever revokes: in order, with all difference in one byte, or by a known hash.
  test.each([
    ["in order", (n: number) => id(n)],
    ["different in the last bytes only", (n: number) => id(n).reverse()],
    ["multiples of a power of two", (n: number) => id(n * 65_536)],
    ["with equal halves", (n: number) => new Uint8Array([...id(n).slice(0, 8), ...id(n).slice(0, 8)])],
  ])("ids %s crowd no shard", (_, make) => {
    const set = createLinkSet(seed());
    for (let n = 0; n < 65_536; n++) set.add(make(n), 0, 1, NOW);
    const even = createLinkSet(seed());
    for (let n = 0; n < 65_536; n++) even.add(random.bytes(16), 0, 1, NOW);
    const time = (of: typeof set, ids: readonly Uint8Array[]) =>
      processorTime(() => {
        for (const bytes of ids) of.has(bytes, 0, () => false);
      });
    const chosen = Array.from({ length: 50_000 }, (_, n) => make(n));
    const drawn = Array.from({ length: 50_000 }, () => random.bytes(16));
    time(set, chosen);
    time(even, drawn);
    // Crowded places would cost thousands of steps each, not a few.
    expect(Math.min(time(set, chosen), time(set, chosen))).toBeLessThan(
      20 * Math.max(time(even, drawn), time(even, drawn), 1),
    );
    expect(set.size).toBe(65_536);
  });
});

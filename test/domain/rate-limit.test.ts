import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { createRateLimit } from "../../src/domain/parts/rate-limit.ts";
import { createManualClock } from "./manual.ts";

function setUp(options: Partial<Parameters<typeof createRateLimit>[0]> = {}) {
  const { clock, advance } = createManualClock();
  const limit = createRateLimit({ clock, perSecond: 2, burst: 4, maxKeys: 3, ...options });
  /** How many of so many tries are let through. */
  const taken = (key: string, tries: number) =>
    Array.from({ length: tries }, () => limit.take(key)).filter(Boolean).length;
  return { limit, advance, taken };
}

describe("a bucket", () => {
  test("lets a burst through, and then what refills", () => {
    const { advance, taken } = setUp();
    expect(taken("a", 10)).toBe(4);
    advance(499);
    expect(taken("a", 10)).toBe(0);
    advance(1);
    expect(taken("a", 10)).toBe(1);
    advance(1_500);
    expect(taken("a", 10)).toBe(3);
  });

  test("takes back what came to nothing, and never holds more than a burst", () => {
    const { limit, taken } = setUp();
    expect(taken("a", 4)).toBe(4);
    limit.giveBack("a");
    expect(taken("a", 4)).toBe(1);
    for (let index = 0; index < 10; index++) limit.giveBack("a");
    expect(taken("a", 10)).toBe(4);
    limit.giveBack("never seen");
    expect(taken("never seen", 10)).toBe(4);
  });

  test("holds no more than a burst, however long it waits", () => {
    const { advance, taken } = setUp();
    expect(taken("a", 1)).toBe(1);
    advance(1e9);
    expect(taken("a", 100)).toBe(4);
  });

  test("is not emptied by those that are refused", () => {
    const { advance, taken } = setUp();
    taken("a", 4);
    let passed = 0;
    for (let index = 0; index < 20; index++) {
      advance(50);
      passed += taken("a", 5);
    }
    advance(10); // twenty sums of a twentieth are a little less than one
    expect(passed + taken("a", 5)).toBe(2);
  });

  test("is each key's own", () => {
    const { taken } = setUp();
    expect(taken("a", 10)).toBe(4);
    expect(taken("b", 10)).toBe(4);
  });
});

test("of too many keys the longest unused is forgotten, and no other", () => {
  const { taken } = setUp();
  for (const key of ["a", "b", "c"]) taken(key, 4);
  taken("a", 1); // refused, but used
  taken("d", 4);
  expect(taken("a", 1)).toBe(0);
  expect(taken("c", 1)).toBe(0);
  expect(taken("b", 10)).toBe(4);
});

test("over any stretch no more passes than a burst and what refilled", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(700), fc.nat(6)), { maxLength: 40 }), (turns) => {
      const { advance, taken } = setUp();
      let passed = 0;
      let elapsed = 0;
      for (const [pause, tries] of turns) {
        advance(pause);
        elapsed += pause;
        passed += taken("a", tries);
        expect(passed).toBeLessThanOrEqual(4 + (elapsed / 1000) * 2 + 1e-6);
      }
    }),
  );
});

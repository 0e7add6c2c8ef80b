import { expect, test } from "vitest";

import type { ServiceCaller } from "../../src/domain/caller.ts";
import { createKeyAllowance } from "../../src/domain/keys/key-allowance.ts";
import { createManualClock } from "./manual.ts";

const caller = (credentialId: string, ...narrowed: readonly string[]): ServiceCaller => ({
  kind: "service",
  role: "platform",
  platform: "shop",
  credentialId,
  links: [],
  narrowed,
  resource: undefined,
  refuses: () => undefined,
});

function createCase() {
  const { clock, advance } = createManualClock();
  const allowance = createKeyAllowance(clock);
  /** Has keys made until that is refused. */
  const drain = (which: keyof typeof allowance, as: ServiceCaller): number => {
    for (let count = 0; ; count++) {
      try {
        allowance[which](as, "shop", "targets[0]");
      } catch (error) {
        expect(error).toMatchObject({ code: "rate_limited" });
        return count;
      }
    }
  };
  return { allowance, advance, drain };
}

test.each(["takeForRotation", "takeForRevocation"] as const)(
  "%s: what was narrowed uses up its part, and nothing of what stands above it or beside it",
  (which) => {
    for (const other of [caller("c"), caller("c", "agent"), caller("c", "other"), caller("d")]) {
      const { allowance, drain } = createCase();
      expect(drain(which, caller("c", "agent", "action"))).toBeGreaterThan(5);
      allowance[which](other, "shop");
    }
  },
);

test("one credential has ten keys by rotating and one an hour, and twenty by revoking", () => {
  const { allowance, advance, drain } = createCase();
  expect(drain("takeForRotation", caller("c"))).toBe(10);
  expect(drain("takeForRevocation", caller("c"))).toBe(20);
  advance(3_600_000);
  allowance.takeForRotation(caller("c"), "shop");
  expect(drain("takeForRevocation", caller("c"))).toBeGreaterThan(15);
});

test("what made no key costs nothing, and administrators are not limited", () => {
  const { allowance } = createCase();
  for (let count = 0; count < 50; count++) allowance.takeForRotation(caller("c"), "shop")();
  const administrator = { ...caller("a"), role: "administrator", platform: undefined } as const;
  for (let count = 0; count < 50; count++) allowance.takeForRevocation(administrator, "shop");
  allowance.takeForRotation(caller("c"), "shop");
});

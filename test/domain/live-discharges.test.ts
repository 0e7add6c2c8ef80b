/** A decision that comes too late for its place: another request of the ticket may have it by then. */
import { describe, expect, test } from "vitest";
import { parseTerms } from "../../src/conditions/parse.ts";
import type { Terms } from "../../src/conditions/terms.ts";
import { movePlace } from "../../src/domain/discharge/live.ts";
import type { LiveDischargeStore } from "../../src/domain/ports/discharge-requests.ts";

const NOW = Date.parse("2026-11-27T12:00:00Z");

function termsOf(text: string): Terms {
  const reading = parseTerms(text);
  return reading.ok ? reading.terms : expect.fail(reading.detail);
}

/** The place of one request, which it may have lost. */
function placeHeld(held: boolean) {
  const moved: number[] = [];
  const liveDischarges: LiveDischargeStore = {
    take: async () => expect.fail("nothing is taken"),
    async moveEnd(_requestId, livesUntil) {
      if (held) moved.push(livesUntil);
      return held;
    },
    dropBefore: async () => {},
  };
  return { moved, repositories: { liveDischarges } };
}

describe("the place of a decided request", () => {
  const once = termsOf("once approved-by alice Pay");

  test("ends with its discharge, or at once where there is none", async () => {
    const { moved, repositories } = placeHeld(true);
    await movePlace(repositories, once, "request", NOW + 60_000, NOW);
    await movePlace(repositories, once, "request", null, NOW);
    expect(moved).toEqual([NOW + 60_000, NOW]);
  });

  test("keeps a yes from counting that comes when it is gone, and no denial", async () => {
    const { repositories } = placeHeld(false);
    await expect(movePlace(repositories, once, "request", NOW + 60_000, NOW)).rejects.toMatchObject({
      code: "gone",
    });
    await expect(movePlace(repositories, once, "request", null, NOW)).resolves.toBeUndefined();
  });

  test("is not looked for where the ticket does not say once", async () => {
    const { moved, repositories } = placeHeld(true);
    await movePlace(repositories, termsOf("approved-by alice Pay"), "request", NOW + 60_000, NOW);
    expect(moved).toEqual([]);
  });
});

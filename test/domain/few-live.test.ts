import { expect, test } from "vitest";

import type { HumanCaller } from "../../src/domain/caller.ts";
import { requireFewLive } from "../../src/domain/discharge/standing-yes.ts";

const ID_TOKEN = {
  kind: "human",
  identity: { issuer: "https://login.test", subject: "alice" },
  administrator: false,
  spokeAt: 0,
} as unknown as HumanCaller;
const BROWSER = { ...ID_TOKEN, sessionBegunAt: 1, sessionId: "s" };
const PROGRAM = { ...ID_TOKEN, program: {} } as unknown as HumanCaller;

/** Whether a yes passes of somebody on whose word so many discharges rest. */
async function passes(caller: HumanCaller, live: number): Promise<boolean> {
  const countConfirmed = async (_person: unknown, _now: number, most: number) => Math.min(live, most);
  const repositories = { dischargeRequests: { countConfirmed } } as never;
  return requireFewLive(repositories, caller, 0).then(
    () => true,
    (error: Error & { code?: string }) => {
      expect(error.code).toBe("rate_limited");
      return false;
    },
  );
}

test.each([
  [ID_TOKEN, 900],
  [PROGRAM, 900],
  [BROWSER, 1_000],
])("programs leave places for the person: %#", async (caller, most) => {
  expect(await passes(caller, most - 1)).toBe(true);
  expect(await passes(caller, most)).toBe(false);
});

/** When a chain ends, and a token that is about to be minted with it. */
import { expect, test } from "vitest";

import { thirdParty } from "../../src/caveats/condition.ts";
import { earliestExpiry, expiryOfNew } from "../../src/caveats/expiry.ts";
import { compiled } from "./texts.ts";

const NOON = Date.parse("2026-11-20T12:00:00Z");
const at = (text: string): number => Date.parse(text);

test.each([
  { chain: [], ends: NOON },
  { chain: ["action = read", "time", "time > 2026-11-20T10:00:00Z", thirdParty("x")], ends: NOON },
  { chain: ["time < 2026-11-20T13:00:00Z"], ends: NOON },
  { chain: ["time < 2026-11-20T11:00:00Z"], ends: at("2026-11-20T11:00:00Z") },
  {
    chain: ["time < 2026-11-20T11:00:00Z", "time-before 2026-11-20T10:00:00Z", "time < 2026-11-20T10:30:00Z"],
    ends: at("2026-11-20T10:00:00Z"),
  },
  // To the millisecond, which is never later than the instant.
  { chain: ["time < 2026-11-20T11:00:00.0019Z"], ends: at("2026-11-20T11:00:00.001Z") },
])("the chain $chain, at noon at the latest, ends at $ends", ({ chain, ends }) => {
  expect(earliestExpiry(compiled(chain), NOON)).toBe(ends);
});

test.each([
  { caveats: [], ends: NOON + 60_000 },
  { caveats: ["time < 2026-11-20T13:00:00Z"], ends: NOON + 60_000 },
  { caveats: ["time < 2026-11-20T12:00:30Z", "action = read"], ends: NOON + 30_000 },
  // A token with a caveat that has expired expires as it is issued, and not before.
  { caveats: ["time < 2026-11-20T11:00:00Z"], ends: NOON },
])("a token of a minute that is issued at noon with $caveats ends at $ends", ({ caveats, ends }) => {
  expect(expiryOfNew(caveats, NOON, 60_000)).toBe(ends);
});

import { expect, test } from "vitest";

import { encodeBundle } from "../../src/macaroon/index.ts";
import { bound, createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";
import { createWorld, KEY, root } from "./seen-world.ts";

const third = createThirdParty();

async function endsOf(token: string, discharge: string): Promise<readonly string[]> {
  const verification = await createWorld().tokenVerifier.verify(token, [bound(token, discharge)], "shop");
  if (!verification.ok) throw new Error(verification.detail);
  return verification.token.budgets.map(({ endsAt }) => new Date(endsAt).toISOString().slice(0, 10));
}

test("a counter ends with the token as it was issued, in a discharge too; nothing appended ends it sooner", async () => {
  const token = third.require(encodeBundle([root(KEY, "uses <= 5")]), "c");
  const ticket = tickets(token)[0] ?? "";
  // The hard cap on life: no `time <` of its own ends it sooner.
  const own = "2026-02-14";
  expect(await endsOf(token, third.discharge(ticket, "uses <= 1"))).toEqual([own, own]);
  const narrowed = narrow(token, "time < 2026-01-03T00:00:00Z", "uses <= 2");
  const discharge = third.discharge(ticket, "uses <= 1", "time < 2026-01-02T00:00:00Z", "uses <= 1");
  expect(await endsOf(narrowed, discharge)).toEqual([own, "2026-01-03", own, "2026-01-02"]);
});

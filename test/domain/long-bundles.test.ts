import { expect, test } from "vitest";

import { addThirdPartyCaveat, attenuate, bind, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { turnsDuring } from "../support/turns.ts";
import { createWorld, KEY, root } from "./seen-world.ts";

const LINKS = 245;

/** A bundle of 31 discharges, as long as a bundle may be. */
function longBundle(key = KEY): string {
  const keys = Array.from({ length: 31 }, (_, n) => new Uint8Array(32).fill(n + 1));
  const asking = keys.reduce(
    (token, caveatKey, n) =>
      addThirdPartyCaveat(token, {
        caveatKey,
        nonce: new Uint8Array(24).fill(n),
        ticket: `d${n}`,
        location: "",
      }),
    root(key),
  );
  const discharges = keys.map((rootKey, n) =>
    bind(asking, attenuate(mint({ rootKey, identifier: `d${n}` }), Array(LINKS).fill("x"))),
  );
  return encodeBundle([asking, ...discharges]);
}

test.each([
  { whose: "under its key", key: KEY, platform: "shop", least: 25 },
  { whose: "under its key, shown by a holder", key: KEY, platform: undefined, least: 25 },
])("a long bundle $whose is verified a few chains at a time", async ({ key, platform, least }) => {
  const { tokenVerifier } = createWorld(0);
  const token = longBundle(key);
  const answer =
    platform === undefined ? tokenVerifier.verifyAny(token) : tokenVerifier.verify(token, [], platform);
  expect(await turnsDuring(answer)).toBeGreaterThan(least);
  const verification = await answer;
  expect(verification.ok && verification.token.revocationIds.length).toBe(33 + 31 * (LINKS + 1));
});

test("a long bundle with a wrong signature is not verified any further", async () => {
  const { tokenVerifier } = createWorld(0);
  const answer = tokenVerifier.verify(longBundle(new Uint8Array(32).fill(9)), [], "shop");
  expect(await turnsDuring(answer)).toBeLessThan(5);
  expect(await answer).toMatchObject({ ok: false, code: "bad_signature" });
});

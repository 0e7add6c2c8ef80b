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

test("a discharge that is tried under the keys of many caveats is tried in turns", async () => {
  const { tokenVerifier } = createWorld(0);
  const asking = Array.from({ length: 32 }, (_, n) => n).reduce(
    (token, n) =>
      addThirdPartyCaveat(token, {
        caveatKey: new Uint8Array(32).fill(n),
        nonce: new Uint8Array(24).fill(n),
        ticket: "t",
        location: "",
      }),
    root(),
  );
  const nobodys = mint({ rootKey: new Uint8Array(32).fill(200), identifier: "t" });
  const discharge = attenuate(nobodys, Array(LINKS).fill("x"));
  const answer = tokenVerifier.verify(encodeBundle([asking, discharge]), [], "shop");
  // It has some three hundred links, and is tried 33 times.
  expect(await turnsDuring(answer)).toBeGreaterThan(12);
  expect(await answer).toMatchObject({ ok: true });
});

test("the caveats of a long token are read some at a time, and what it says is said apart from the verdict", async () => {
  const { tokenVerifier } = createWorld(0);
  const long = Array.from(
    { length: 11 },
    (_, n) =>
      `x in ${Array(1_900)
        .fill(n % 10)
        .join()}`,
  );
  const answer = tokenVerifier.verify(encodeBundle([root(KEY, ...long)]), [], "shop");
  expect(await turnsDuring(answer)).toBeGreaterThan(11);
  const verification = await answer;
  expect(verification.ok && verification.token.texts.summary).toBeDefined();
  // Whoever has the token alone is not told what it says.
  const shown = await tokenVerifier.verifyAny(encodeBundle([root(KEY, ...long)]));
  expect(shown.ok && shown.token.texts.summary).toBeUndefined();
});

/** A caveat is called issued if the service wrote it, and not if a holder made the discharge that it stands in. */
import { expect, test } from "vitest";

import { addThirdPartyCaveat, attenuate, bind, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { createWorld, KEY, root, verdict } from "./seen-world.ts";

const TICKET = new TextEncoder().encode("a ticket of the holder's own");
const CAVEAT_KEY = new Uint8Array(32).fill(9);

test("what a holder wrote into a discharge that they made is a holder's, whatever it is marked with", async () => {
  const token = addThirdPartyCaveat(root(KEY), {
    location: "https://service.test",
    ticket: TICKET,
    caveatKey: CAVEAT_KEY,
    nonce: new Uint8Array(24),
  });
  const made = attenuate(mint({ rootKey: CAVEAT_KEY, identifier: TICKET }), [
    "tool = search",
    "bh.discharge = AAAAAAAAAAAAAAAAAAAAAA",
  ]);
  const answer = await verdict(createWorld(), {
    token: encodeBundle([token, bind(token, made)]),
    discharges: [],
    platform: "shop",
    context: new Map([["tool", "pay"]]),
    now: 0,
  });
  const failures = answer.allowed ? [] : answer.failures;
  expect(failures).toMatchObject([{ caveat: "tool = search", placed: "first_holder" }]);
});

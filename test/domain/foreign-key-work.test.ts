import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { Secret } from "../../src/domain/keys/secret.ts";
import { nodeChain } from "../../src/domain/verify/node-hash.ts";
import { createBundleVerifier } from "../../src/domain/verify/verify-bundle.ts";
import { attenuate, encodeBundle, mint } from "../../src/macaroon/index.ts";
import { printIdentifier } from "../../src/words/identifier.ts";

const KEY = { id: "Zk3vQm2xT9aBcDeF", platform: "shop", key: new Secret(new Uint8Array(randomBytes(32))) };

/** A token under a key id, with so many caveats on each of its macaroons, that the key of that id has not signed. */
function forgedUnder(keyId: string, caveats: number, discharges = 0): string {
  const principalId = "pW3kD0q9xYb2LmNa";
  const tokenId = "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081";
  const identifier = printIdentifier({ keyId, tokenId, principalId, issuedCaveats: 1 });
  const root = mint({ rootKey: new Uint8Array(randomBytes(32)), identifier, location: "" });
  const macaroon = attenuate(root, Array(caveats).fill("a = b"));
  return encodeBundle([macaroon, ...Array(discharges).fill(macaroon)]);
}

/** What it costs to verify a token: look-ups, links that are hashed, and turns of the event loop that others have. */
async function workOf(text: string, platform: string | undefined) {
  const work = { lookUps: 0, hashed: 0, turns: 0 };
  const rootKey = { ...KEY, activeFrom: 0, retiredAt: null, createdAt: 0 };
  const find = async (keyId: string, asking: string | undefined) => {
    if (keyId === KEY.id && asking === undefined) return rootKey; // held in memory
    work.lookUps++;
    return undefined;
  };
  const verifier = createBundleVerifier(
    find,
    async () => {
      work.lookUps++;
    },
    {
      ...nodeChain,
      step(message) {
        work.hashed++;
        return nodeChain.step(message);
      },
    },
  );
  let done = false;
  const tick = () => {
    if (done) return;
    work.turns++;
    setImmediate(tick);
  };
  setImmediate(tick);
  const outcome = await verifier.verify({ text, discharges: [], platform });
  done = true;
  expect(outcome.ok).toBe(false);
  return work;
}

test.each([
  ["a holder without a credential", undefined, 100],
  ["a platform that is not the key's", "other", 0],
])("for %s a key that exists and one that does not are the same work", async (_, platform, least) => {
  const known = await workOf(forgedUnder(KEY.id, 100), platform);
  const unknown = await workOf(forgedUnder("AAAAAAAAAAAAAAAA", 100), platform);
  expect(unknown).toEqual(known);
  expect(known.lookUps).toBe(1);
  expect(known.hashed).toBeGreaterThanOrEqual(least);
});

test.each([
  ["a holder without a credential", undefined],
  ["a platform that is not the key's", "other"],
])("a long bundle lets others have their turns for %s, too", async (_, platform) => {
  const known = await workOf(forgedUnder(KEY.id, 200, 2), platform);
  const unknown = await workOf(forgedUnder("AAAAAAAAAAAAAAAA", 200, 2), platform);
  expect(unknown).toEqual(known);
  expect(known.turns).toBe(1);
});

/** The entries that killed tokens are looked up within bounds: a platform's flood of dead tokens costs no other one its own. */
import { expect, test } from "vitest";

import type { Revocation } from "../../src/domain/ports/revocations.ts";
import { createKillingEntry } from "../../src/domain/verify/killing-entry.ts";
import type { VerifiedToken } from "../../src/domain/verify/verify-token.ts";
import { encodeBundle } from "../../src/macaroon/index.ts";
import { createWorld, KEY, PRINCIPAL, PRINCIPAL_ID, root, rootKey } from "./seen-world.ts";

async function deadToken(platform: string): Promise<VerifiedToken> {
  const world = createWorld();
  for (const id of world.keys.keys()) world.keys.set(id, rootKey(KEY, platform));
  world.principals.set(PRINCIPAL_ID, { ...PRINCIPAL, platform });
  const verification = await world.tokenVerifier.verify(encodeBundle([root()]), [], platform);
  if (!verification.ok) throw new Error(verification.detail);
  return verification.token;
}

function finder() {
  let now = 0;
  let links = 0;
  const asked: string[] = [];
  const killing = createKillingEntry({
    store: {
      revocations: {
        covering: async (platform: string) => {
          asked.push(platform);
          return { platform } as unknown as Revocation;
        },
      },
    } as unknown as Parameters<typeof createKillingEntry>[0]["store"],
    knowledge: {
      // Each question is about another link.
      deadLinks: () => [new Uint8Array(16).fill(1).map((_, index) => (links >> (index * 8)) & 255)],
      wideMatch: () => undefined,
      position: () => ({ epoch: "", number: 0 }) as never,
    },
    agentKeys: () => new Uint8Array(32),
    clock: { now: () => now, monotonic: () => now },
  });
  return {
    asked,
    find(token: VerifiedToken) {
      links++;
      return killing.find(token);
    },
    wait(milliseconds: number) {
      now += milliseconds;
    },
  };
}

test("a platform's flood takes its own share alone, which comes back", async () => {
  const [flooding, other] = [await deadToken("shop"), await deadToken("bank")];
  const { asked, find, wait } = finder();
  const flood = async () =>
    (await Promise.all(Array.from({ length: 1_000 }, () => find(flooding)))).filter(Boolean);
  expect(await flood()).toHaveLength(100);
  expect(await find(other)).toBeDefined();
  expect(asked.filter((platform) => platform === "shop")).toHaveLength(100);
  wait(1_000);
  expect(await flood()).toHaveLength(20);
});

test("all platforms together take no more than theirs", async () => {
  const tokens = await Promise.all(Array.from({ length: 8 }, (_, n) => deadToken(`shop-${n}`)));
  const { asked, find } = finder();
  for (const token of tokens) await Promise.all(Array.from({ length: 100 }, () => find(token)));
  expect(asked).toHaveLength(500);
});

import { expect, test } from "vitest";

import type { Revocation } from "../../src/domain/ports/revocations.ts";
import { createRevocationSet } from "../../src/domain/replica/revoked-set.ts";
import { createPossession } from "../../src/domain/revoke/possession.ts";
import { encodeBundle, revocationId } from "../../src/macaroon/index.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { createWorld, KEY, root } from "./seen-world.ts";

const NOW = Date.UTC(2026, 0, 22);

function entry(id: Uint8Array, number: number): Revocation {
  return {
    id: "i",
    scope: { kind: "link", platform: "shop" },
    target: { kind: "revocation_id", id },
    reason: null,
    author: "holder",
    revokedAt: NOW,
    lastMatchAt: NOW + 1,
    number,
  } as unknown as Revocation;
}

/** Revoking by possession where some links are dead, and the links that the log was asked about. */
function createCase(dead: readonly Uint8Array[]) {
  const set = createRevocationSet(systemRandomness);
  dead.forEach((id, n) => {
    set.add(entry(id, n + 1));
  });
  const asked: (readonly Uint8Array[])[] = [];
  const world = createWorld();
  world.revoked = (subject) => set.matches(subject);
  const store = {
    revocations: {
      async covering(_: string, __: object, ___: string, ids: readonly Uint8Array[]) {
        asked.push(ids);
        return entry(ids[0] as Uint8Array, 1);
      },
    },
  };
  const clock = { now: () => NOW, monotonic: () => 0 };
  const possession = createPossession({
    store: store as never,
    tokenVerifier: world.tokenVerifier,
    knowledge: set,
    clock: clock as never,
  });
  return { possession, asked };
}

test("the log is asked about dead links alone, and about few of them", async () => {
  const chain = Array.from({ length: 200 }, (_, n) => `x${n} = 1`);
  const linkAt = (depth: number) => revocationId(root(KEY, ...chain.slice(0, depth)).signature).bytes;
  const token = encodeBundle([root(KEY, ...chain)]);
  const one = createCase([linkAt(7)]);
  expect(await one.possession(token, "targets[0]")).toMatchObject({ kind: "there" });
  expect(one.asked).toEqual([[linkAt(7)]]);
  const many = createCase(Array.from({ length: 200 }, (_, n) => linkAt(n + 1)));
  await many.possession(token, "targets[0]");
  expect(many.asked.map(({ length }) => length)).toEqual([8]);
});

const tokenOf = (...caveats: readonly string[]) => encodeBundle([root(KEY, ...caveats)]);

/** How many of these a holder may revoke at once. */
async function revokedOf(
  { possession }: Pick<ReturnType<typeof createCase>, "possession">,
  tokens: readonly string[],
): Promise<number> {
  let count = 0;
  for (const token of tokens) {
    const refused = await possession(token, "targets[0]").then(
      () => undefined,
      ({ code }: { code: string }) => code,
    );
    if (refused === undefined) count++;
    else expect(refused).toBe("rate_limited");
  }
  return count;
}

test("a cousin uses up no other branch's allowance, however deep", async () => {
  const one = createCase([]);
  const children = Array.from({ length: 30 }, (_, n) => tokenOf("agent = attacker", `agent = x${n}`));
  expect(await revokedOf(one, children)).toBe(20);
  expect(await revokedOf(one, [tokenOf("agent = bob", "agent = carol"), tokenOf("agent = bob")])).toBe(2);
  expect(await revokedOf(one, [tokenOf("agent = attacker"), tokenOf()])).toBe(2);
});

test("who holds the token as it was issued makes no branches without end", async () => {
  const one = createCase([]);
  const branches = Array.from({ length: 50 }, (_, n) => tokenOf(`agent = x${n}`, "agent = y"));
  expect(await revokedOf(one, branches)).toBe(20);
  // A branch that is known stays so, and what was issued needs none.
  expect(await revokedOf(one, [...branches.slice(0, 20), tokenOf()])).toBe(21);
});

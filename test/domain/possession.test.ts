import { expect, test } from "vitest";

import type { Revocation } from "../../src/domain/ports/revocations.ts";
import { createRevocationSet } from "../../src/domain/replica/revoked-set.ts";
import { createPossession } from "../../src/domain/revoke/possession.ts";
import { attenuate, encodeBundle, revocationId } from "../../src/macaroon/index.ts";
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
  const time = { passed: 0 };
  const clock = { now: () => NOW, monotonic: () => time.passed };
  const possession = createPossession({
    store: store as never,
    tokenVerifier: world.tokenVerifier,
    knowledge: set,
    clock: clock as never,
  });
  return { possession, asked, time };
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

/** Revokes, by nothing but a token that has these caveats, links below it until that is refused, at any depth. */
async function flood(one: ReturnType<typeof createCase>, ...held: readonly string[]): Promise<number> {
  let count = 0;
  for (const depth of [1, 2, 3, 5, 8, 13, 21]) {
    const above = root(KEY, ...held, ...Array.from({ length: depth - 1 }, () => "a = b"));
    for (let n = 0, refused = 0; n < 400 && refused < 3; n++) {
      const revoked = await revokedOf(one, [encodeBundle([attenuate(above, [`agent = z${n}`])])]);
      refused = revoked === 1 ? 0 : refused + 1;
      count += revoked;
    }
  }
  return count;
}

test("a holder starves nobody above or beside, at no depth", async () => {
  const one = createCase([]);
  const orchestrator = ["time < 2026-12-01T00:00:00Z", "agent = orchestrator#1"];
  const attacker = [...orchestrator, "agent = x#1"];
  await flood(one, ...attacker);
  expect(await revokedOf(one, [tokenOf(...attacker, "agent = late")])).toBe(0);
  const sibling = [...orchestrator, "agent = y#1", "action = read", "args.amount <= 10"];
  for (const wanted of [
    [...sibling, "agent = deep"],
    sibling,
    sibling.slice(0, 3),
    attacker,
    orchestrator,
    orchestrator.slice(0, 1),
    ["agent = cousin"],
    [],
  ]) {
    expect(await revokedOf(one, [tokenOf(...wanted)]), wanted.join(", ")).toBe(1);
  }
});

test("a tree has a ceiling for entries, however many depths they have", async () => {
  const one = createCase([]);
  expect(await flood(one, "agent = only#1")).toBeLessThanOrEqual(384);
  one.time.passed += 100_000;
  expect(await flood(one, "agent = only#1")).toBeLessThanOrEqual(100);
});

test("one presented link makes no entries without end while it is not yet dead", async () => {
  const one = createCase([]);
  const suicide = Array.from({ length: 600 }, () => tokenOf("agent = orchestrator", "agent = x"));
  expect(await revokedOf(one, suicide)).toBeLessThan(400);
  expect(await revokedOf(one, [tokenOf("agent = orchestrator", "agent = y")])).toBe(1);
});

test("who descends from one dead link keeps no other from being told what killed it", async () => {
  const [dead, other] = [["agent = x"], ["agent = y"]].map((chain) => root(KEY, ...chain));
  const one = createCase(
    [dead, other].map((token) => revocationId(token?.signature ?? new Uint8Array()).bytes),
  );
  const below = Array.from({ length: 600 }, (_, n) => tokenOf("agent = x", `agent = z${n}`));
  expect(await revokedOf(one, below)).toBeLessThan(600);
  expect(await revokedOf(one, [tokenOf("agent = y", "agent = z"), tokenOf("agent = y")])).toBe(2);
});

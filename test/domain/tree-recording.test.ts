/** Recording behind verify: nothing that goes wrong with it reaches a verdict, and no crowd makes it expensive. */
import { beforeEach, expect, test } from "vitest";

import type { CutChain, SeenChain } from "../../src/domain/ports/tokens.ts";
import { createRecording } from "../../src/domain/tree/recording.ts";
import type { VerifiedToken } from "../../src/domain/verify/verify-token.ts";
import { encodeBundle } from "../../src/macaroon/index.ts";
import { createWorld, KEY, root } from "./seen-world.ts";

let now = 1_000_000;
let recorded: SeenChain[][] = [];
let reports: string[] = [];
let answer: (chains: readonly SeenChain[]) => readonly CutChain[] = () => [];
const world = createWorld(0);

beforeEach(() => {
  recorded = [];
  reports = [];
  answer = () => [];
});

const recording = () =>
  createRecording({
    clock: { now: () => now, monotonic: () => now },
    report: (task) => void reports.push(task),
    store: {
      links: {
        observe: async (chains: readonly SeenChain[]) => {
          recorded.push([...chains]);
          return answer(chains);
        },
      } as never,
    },
  });

async function verified(...caveats: readonly string[]): Promise<VerifiedToken> {
  const verification = await world.tokenVerifier.verify(encodeBundle([root(KEY, ...caveats)]), [], "shop");
  if (!verification.ok) throw new Error(verification.code);
  return verification.token;
}

const calls = (chains: readonly SeenChain[]) =>
  chains.reduce((sum, { allowed, refused }) => sum + allowed + refused, 0);

test("what was seen of one token comes together, and once it stands its last link alone is named", async () => {
  const { observe, flush } = recording();
  const token = await verified("agent = a", "x = y");
  for (const isAllowed of [true, true, false]) observe(token, isAllowed);
  await flush();
  observe(token, true);
  await flush();
  expect(recorded[0]).toMatchObject([{ allowed: 2, refused: 1, links: { above: undefined } }]);
  expect(recorded[1]).toMatchObject([{ allowed: 1, links: { last: token.macaroon.revocationId.bytes } }]);
});

test("of a chain whose upper links stand, the lower ones alone are said", async () => {
  const { observe, flush } = recording();
  const [parent, child] = [await verified("agent = a"), await verified("agent = a", "agent = b#1", "x = y")];
  observe(parent, true);
  await flush();
  observe(child, true);
  await flush();
  const [chain] = recorded[1] ?? [];
  if (chain === undefined || "last" in chain.links) throw new Error("nothing was added");
  expect(chain.links.above).toEqual(parent.macaroon.revocationId.bytes);
  expect(chain.links.added.map(({ caveat, agent, level }) => [caveat, agent, level])).toEqual([
    ["agent = b#1", "b#1", 2],
    ["x = y", "b#1", 2],
  ]);
});

test("a store that fails keeps the counts for the next round, and is told of once", async () => {
  const { observe, flush } = recording();
  const token = await verified("agent = a");
  answer = () => {
    throw new Error("away");
  };
  for (let time = 0; time < 3; time++) {
    observe(token, true);
    await flush();
  }
  expect(reports).toEqual(["record what verify has seen"]);
  answer = () => [];
  observe(token, false);
  await flush();
  expect(recorded.at(-1)).toMatchObject([{ allowed: 3, refused: 1 }]);
});

test("a link that is gone from the store is said anew, with all of its chain", async () => {
  const { observe, flush } = recording();
  const token = await verified("agent = a");
  observe(token, true);
  await flush();
  answer = ([chain]) => [{ place: 0, full: false, at: chain?.issued ?? new Uint8Array(16) }];
  observe(token, true);
  await flush();
  answer = () => [];
  observe(token, true);
  await flush();
  expect(recorded[2]).toMatchObject([{ links: { above: undefined } }]);
});

test("a crowd below a link without room costs one count, and hides none that comes again", async () => {
  const { observe, flush } = recording();
  const parent = await verified("agent = a");
  observe(parent, true);
  await flush();
  answer = (chains) =>
    chains.map((_, place) => ({ place, full: true, at: parent.macaroon.revocationId.bytes }));
  observe(await verified("agent = a", "agent = first"), true);
  await flush();
  answer = () => [];
  const crowd: VerifiedToken[] = [];
  for (let n = 0; n < 50; n++) crowd.push(await verified("agent = a", `agent = c#${n}`));
  for (const token of crowd) observe(token, true);
  await flush();
  expect(recorded[2]).toMatchObject([{ allowed: 50, links: { last: parent.macaroon.revocationId.bytes } }]);
  // The same bundle again, as the memory of a verifier hands it out.
  observe(crowd[7] as VerifiedToken, true);
  await flush();
  expect(recorded[3]).toMatchObject([{ allowed: 1, links: { added: [{ agent: "c#7" }] } }]);
  // After a while it is asked whether there is room.
  now += 61_000;
  observe(parent, true);
  await flush();
  observe(await verified("agent = a", "agent = later"), true);
  await flush();
  expect(recorded.at(-1)).toMatchObject([{ links: { added: [{ agent: "later" }] } }]);
});

test("what has no room waits for nothing, is lost, and is told of", async () => {
  const { observe, flush } = recording();
  const token = await verified("agent = a", "x = y");
  // As many different tokens as wait at once, without a round in between: each a bundle of its own.
  for (let n = 0; n < 20_010; n++) observe({ ...token, macaroon: { ...token.macaroon } }, true);
  await flush();
  await flush();
  const kept = recorded.flat();
  const lost = reports.map((text) => Number(/: (\d+) verdicts/.exec(text)?.[1] ?? 0));
  expect(lost).toHaveLength(1);
  expect(calls(kept) + (lost[0] ?? 0)).toBe(20_010);
});

/** Which keys vouch for a call: what is looked at, and that others have turns while it is. */
import { expect, test } from "vitest";

import type { Holder } from "../../src/domain/verify/bundle-holders.ts";
import { vouchingFor } from "../../src/domain/verify/vouching.ts";
import { createProver, type Prover, proved } from "../support/prover.ts";
import { createManualClock } from "./manual.ts";

const NOW = Date.UTC(2026, 10, 27);
const LINKS = ["AAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBA", "CCCCCCCCCCCCCCCCCCCCCA"];

function holder(prover: Prover, index: number, endorsableFrom?: number): Holder {
  const { thumbprint, caveat } = prover;
  const links = new Map(LINKS.map((link, place) => [link, place]));
  return {
    thumbprint,
    text: caveat,
    index,
    agent: null,
    placed: "issued",
    discharge: undefined,
    links,
    endorsableFrom,
  };
}

function question(prover: Prover, endorsements: readonly string[]) {
  const { proof } = proved(prover, "token", NOW) as { proof: { dpop: string; method: string; uri: string } };
  return { token: "token", proof: { ...proof, contentDigest: undefined }, endorsements };
}

test("others have turns between endorsements", async () => {
  let [turns, stopped] = [0, false];
  const tick = () => {
    turns++;
    if (!stopped) setImmediate(tick);
  };
  // A clock that goes on at each look: every share of the process is used up at once.
  let monotonic = 0;
  const clock = { now: () => NOW, monotonic: () => (monotonic += 5) };
  const [last, ...parents] = Array.from({ length: 33 }, () => createProver());
  if (last === undefined) return expect.fail("no prover");
  const holders = [...parents.map((prover, index) => holder(prover, index, 0)), holder(last, parents.length)];
  const endorsements = parents.map((prover) => prover.endorsement(LINKS[0] ?? ""));
  setImmediate(tick);
  const vouching = await vouchingFor(holders, "p", question(last, endorsements), clock);
  stopped = true;
  expect(turns).toBeGreaterThanOrEqual(31);
  const refused = vouching.inChain(undefined);
  expect(holders.map(({ index }) => refused(index))).toEqual(holders.map(() => undefined));
  expect(vouching.proof).toHaveLength(32);
  expect(vouching.replayed).toMatchObject([{ index: 32, code: "holder_proof_invalid" }]);
});

test("a holder that was not looked for is a fault, and never let pass", async () => {
  const { clock } = createManualClock(NOW);
  const prover = createProver();
  const vouching = await vouchingFor([holder(prover, 3)], "p", question(prover, []), clock);
  expect(vouching.inChain(undefined)(3)).toBeUndefined();
  expect(() => vouching.inChain(undefined)(2)).toThrow("not looked for");
  expect(() => vouching.inChain(0)(3)).toThrow("not looked for");
});

test("one bad endorsement spoils no good one, of the same key or of another", async () => {
  const { clock } = createManualClock(NOW);
  const [parent, last] = [createProver(), createProver()];
  const holders = [holder(parent, 1, 1), holder(last, 3)];
  const good = parent.endorsement(LINKS[2] ?? "");
  const bad = [parent.endorsement(LINKS[0] ?? ""), "nonsense", `${good.slice(0, -4)}AAAA`];
  for (const endorsements of [
    [good, ...bad],
    [...bad, good],
  ]) {
    const vouching = await vouchingFor(holders, "p", question(last, endorsements), clock);
    expect([1, 3].map(vouching.inChain(undefined))).toEqual([undefined, undefined]);
  }
  const vouching = await vouchingFor(holders, "p", question(last, bad), clock);
  expect(vouching.inChain(undefined)(1)?.code).toBe("holder_proof_invalid");
});

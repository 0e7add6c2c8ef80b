import { expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { printSequence } from "../../src/domain/parts/sequence.ts";
import { createDecisions } from "../../src/domain/verify/decisions.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { question } from "../support/question.ts";
import { NO_ENTRY } from "./seen-world.ts";

const FAULT = new TypeError("not foreseen");
const OUTAGE = new DomainError("unavailable", "a key could not be had");
const CALLER = {
  kind: "service",
  role: "platform",
  platform: "shop",
  credentialId: "c",
  links: ["link"],
  narrowed: [],
  resource: undefined,
  refuses: () => undefined,
} as const;

/** Decisions that meet with a fault, an outage or nothing, as each token says. */
function decisions(monotonic = () => 0, reach = async () => undefined) {
  const verify = async (token: string) => {
    if (token === "fault") throw FAULT;
    if (token === "thrown at random") throw "no error";
    if (token === "outage") throw OUTAGE;
    return { ok: false, code: "malformed", detail: "no token" } as const;
  };
  return createDecisions({
    killingEntry: NO_ENTRY,
    resources: { find: async () => undefined, forget: () => {} },
    tokenVerifier: { verify, verifyAny: verify, again: (token) => token },
    randomness: systemRandomness,
    charge: async () => expect.fail("nothing is charged"),
    knowledge: {
      requireFresh: () => undefined,
      position: () => ({ epoch: "e", number: 1 }),
      isRevoked: () => false,
    },
    feed: { reach },
    clock: { now: () => 0, monotonic },
  });
}

test("an item that meets with a fault spoils no other, and the fault is handed on as it is", async () => {
  const tokens = ["x", "fault", "x", "outage", "thrown at random", "x"];
  const results = await decisions().decideBatch(
    CALLER,
    tokens.map((token) => question(token)),
  );
  const answer = { allowed: false, code: "malformed" };
  expect(results).toMatchObject([answer, { fault: FAULT }, answer, OUTAGE, { fault: "no error" }, answer]);
});

test("where one question is asked, its fault is the request's", async () => {
  await expect(decisions().decide(CALLER, question("fault"))).rejects.toBe(FAULT);
});

test("who may not verify is refused as a whole", async () => {
  const caller = { ...CALLER, refuses: () => "it says no" };
  await expect(decisions().decideBatch(caller, [question("x")])).rejects.toMatchObject({ code: "forbidden" });
});

test("a batch whose credential is revoked while it runs ends with the slice", async () => {
  let now = 0;
  let asked = 0;
  const caller = { ...CALLER, refuses: () => (++asked > 3 ? "it has been revoked" : undefined) };
  // Each look at the clock is a second later: each question begins a slice.
  const slow = decisions(() => (now += 1_000));
  await expect(slow.decideBatch(caller, Array(9).fill(question("x")))).rejects.toMatchObject({
    code: "forbidden",
  });
  // Once for the batch, once for the resource that its first question names or does not, and once for each slice.
  expect(asked).toBe(4);
});

test("a batch waits for few positions of the log: an item with one more says so, and spoils no other", async () => {
  let reached = 0;
  const counting = decisions(undefined, async () => {
    reached += 1;
    return undefined;
  });
  const asked = Array.from({ length: 100 }, (_, n) => ({
    ...question("x"),
    minSequence: printSequence({ epoch: "e", number: n + 1, hash: "0123456789abcdef" }),
  }));
  const results = await counting.decideBatch(CALLER, [...asked, question("x")]);
  expect(reached).toBe(64);
  expect(results[63]).toMatchObject({ code: "malformed" });
  expect(results[64]).toMatchObject({ code: "unprocessable", member: "min_sequence" });
  expect(results[100]).toMatchObject({ code: "malformed" });
});

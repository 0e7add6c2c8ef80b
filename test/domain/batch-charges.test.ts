import { expect, test } from "vitest";

import { createDecisions } from "../../src/domain/verify/decisions.ts";
import { encodeBundle } from "../../src/macaroon/index.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { question } from "../support/question.ts";
import { createGate } from "../support/service-steps.ts";
import { createWorld, KEY, NO_ENTRY, root } from "./seen-world.ts";

const CALLER = {
  kind: "service",
  role: "platform",
  platform: "shop",
  credentialId: "",
  links: ["link"],
  narrowed: [],
  resource: undefined,
  refuses: () => undefined,
} as const;

const NOW = Date.UTC(2026, 10, 22);

/** Decisions whose charges pass once the gate is opened, by a clock that uses up a share of the process at each look. */
function waiting() {
  const gate = createGate();
  let reads = 0;
  const randomness = {
    bytes(length: number) {
      reads++;
      return systemRandomness.bytes(length);
    },
  };
  let monotonic = 0;
  let stale = false;
  let revoked = false;
  let charges = 0;
  let last = Number.POSITIVE_INFINITY;
  const world = createWorld();
  const decisions = createDecisions({
    killingEntry: NO_ENTRY,
    resources: { find: async () => undefined, forget: () => {} },
    tokenVerifier: world.tokenVerifier,
    knowledge: {
      requireFresh() {
        if (stale) throw new Error("too old");
      },
      position: () => ({ epoch: "e", number: 1 }),
      isRevoked: () => revoked,
    },
    feed: { reach: () => Promise.resolve() },
    clock: { now: () => NOW, monotonic: () => (monotonic += 5) },
    randomness,
    async charge(_, { draws }) {
      charges++;
      if (charges === last) {
        revoked = true;
        world.revoked = () => true;
      }
      await gate.opened;
      return {
        passed: true,
        repeated: false,
        mismatched: false,
        replayed: false,
        reservation: undefined,
        left: draws.map(() => ({ remaining: "1", short: false, retryAfter: undefined })),
      };
    },
  });
  return {
    decisions,
    gate,
    reads: () => reads,
    charges: () => charges,
    /** All tokens are revoked while so many have been charged. */
    revokeAt(count: number) {
      last = count;
    },
    growStale() {
      stale = true;
    },
  };
}

const IP = new Map([["ip", "::1"]]);
const BUDGETED = question(encodeBundle([root(KEY, "uses <= 5")]));
const FREE = question(encodeBundle([root(KEY)]));

/** Lets everything go on that is not held up. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("answers that waited for charges are made in turns", async () => {
  const { decisions, gate } = waiting();
  let done = false;
  const answer = decisions.decideBatch(CALLER, Array(50).fill(BUDGETED)).finally(() => (done = true));
  await turns(200);
  gate.open();
  await turns(40);
  expect(done).toBe(false);
  expect(await answer).toMatchObject(Array(50).fill({ allowed: true, budgets: [{ remaining: "1" }] }));
});

test("nothing is allowed that was decided on knowledge which is too old by the time of the answer", async () => {
  const { decisions, gate, growStale } = waiting();
  const answer = decisions.decideBatch(CALLER, [FREE, question("x"), BUDGETED]);
  await turns(20);
  growStale();
  gate.open();
  const fault = { fault: expect.objectContaining({ message: "too old" }) };
  expect(await answer).toMatchObject([fault, { code: "malformed" }, fault]);
});

test("an id is made where there is a reservation, and nowhere else", async () => {
  const { decisions, gate, reads } = waiting();
  gate.open();
  await decisions.decide(CALLER, BUDGETED);
  expect(reads()).toBe(0);
  await decisions.decide(CALLER, { ...BUDGETED, reserve: 60 });
  expect(reads()).toBe(1);
});

test("a batch keeps no more of charged tokens than so many bytes, and still asks again for all of them", async () => {
  const { decisions, gate, charges, revokeAt } = waiting();
  const blocks = `ip within ${Array(500).fill("::/0").join(", ")}`;
  // Each is 1.3 MB once it has been read.
  const heavy = {
    ...question(encodeBundle([root(KEY, ...Array(15).fill(blocks), "uses <= 5")])),
    context: IP,
  };
  revokeAt(40);
  const answer = decisions.decideBatch(CALLER, Array(40).fill(heavy));
  await expect.poll(charges).toBeGreaterThan(20);
  await turns(400);
  expect(charges()).toBeLessThan(30);
  gate.open();
  // Those that were charged first, too.
  expect(await answer).toMatchObject(Array(40).fill({ allowed: false, code: "revoked" }));
  expect(charges()).toBe(40);
});

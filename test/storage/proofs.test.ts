/** Proofs in the database: good once, together with what is charged, on any replica, and forgotten in time. */
import { beforeAll, expect, test } from "vitest";

import { PROOF_MEMORY } from "../../src/domain/parts/lifetimes.ts";
import type { BudgetCall, BudgetDraw } from "../../src/domain/ports/budgets.ts";
import { describeOnEachDatabase, type TestStore } from "../support/database.ts";
import { bytes } from "./samples.ts";

let count = 0;

/** A proof that no other test has. */
function aProof(): Uint8Array {
  count += 1;
  return bytes(32, `proof ${count}`);
}

function uses(most: string): BudgetDraw {
  count += 1;
  const link = bytes(16, `proved link ${count}`);
  return { link, most, takes: "1", window: undefined, endsAt: Date.now() + 3_600_000 };
}

const call = (proof: Uint8Array | undefined, ...draws: readonly BudgetDraw[]): BudgetCall => ({
  draws,
  dry: false,
  ...(proof && { proof }),
});
const dry = (...args: Parameters<typeof call>): BudgetCall => ({ ...call(...args), dry: true });

describeOnEachDatabase("proofs", (open) => {
  let db: TestStore;
  beforeAll(async () => {
    db = await open();
  });

  async function outcomes(...calls: readonly BudgetCall[]): Promise<readonly string[]> {
    const charged = await db.store.budgets.charge("p", calls);
    return charged.map(({ passed, replayed, left }) =>
      replayed ? "replayed" : passed ? `passed ${left.map(({ remaining }) => remaining)}`.trim() : "refused",
    );
  }

  test("a proof is good once, in a group and after it", async () => {
    const [a, b] = [aProof(), aProof()];
    expect(await outcomes(call(a), call(b), call(a))).toEqual(["passed", "passed", "replayed"]);
    expect(await outcomes(call(a), call(aProof()), call(b))).toEqual(["replayed", "passed", "replayed"]);
  });

  test("a replayed call is charged nothing, and those around it are charged as ever", async () => {
    const [proof, budget, other] = [aProof(), uses("3"), uses("1")];
    expect(
      await outcomes(
        call(undefined, budget),
        call(proof, budget, other),
        call(proof, budget),
        call(aProof(), budget),
        call(undefined, budget, other),
      ),
    ).toEqual(["passed 2", "passed 1,0", "replayed", "passed 0", "refused"]);
    expect(await outcomes(dry(undefined, budget))).toEqual(["refused"]);
  });

  test("a proof whose call its budgets refuse is used up", async () => {
    const [proof, none] = [aProof(), uses("0")];
    expect(await outcomes(call(proof, none))).toEqual(["refused"]);
    expect(await outcomes(call(proof))).toEqual(["replayed"]);
  });

  test("asking uses up nothing, and tells of what was used", async () => {
    const [proof, budget] = [aProof(), uses("2")];
    expect(await outcomes(dry(proof, budget), dry(proof, budget))).toEqual(["passed 2", "passed 2"]);
    expect(await outcomes(dry(proof), call(proof, budget), dry(proof, budget))).toEqual([
      "passed",
      "passed 1",
      "replayed",
    ]);
    expect(await outcomes(dry(proof))).toEqual(["replayed"]);
  });

  test("of many at once, in opposite orders, one has it and none waits for ever", async () => {
    const proofs = Array.from({ length: 20 }, aProof);
    const groups = Array.from({ length: 6 }, (_, at) => {
      const order = at % 2 === 0 ? proofs : proofs.toReversed();
      return outcomes(...order.map((proof) => call(proof)));
    });
    const all = (await Promise.all(groups)).flat();
    expect(all.filter((outcome) => outcome === "passed")).toHaveLength(20);
    expect(all.filter((outcome) => outcome === "replayed")).toHaveLength(100);
  });

  test("it is forgotten once no clock takes it, and dropped no sooner", async () => {
    const proof = aProof();
    expect(await outcomes(call(proof))).toEqual(["passed"]);
    db.shift(PROOF_MEMORY - 1_000);
    await db.store.budgets.dropEnded();
    expect(await outcomes(call(proof))).toEqual(["replayed"]);
    db.shift(2_000);
    expect(await outcomes(dry(proof), call(proof), call(proof))).toEqual(["passed", "passed", "replayed"]);
  });
});

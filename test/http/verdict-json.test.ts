import { describe, expect, test } from "vitest";

import type { Verdict } from "../../src/domain/service.ts";
import { decisionWire, verdictWire } from "../../src/http/wire/verdict.ts";
import { createVerdictWriter } from "../../src/http/wire/verdict-json.ts";
import { ALLOWED as BUDGETED, PRINCIPAL, REFUSED } from "../support/fake-service.ts";
import { memoryInUse } from "../support/heap.ts";

/** A verdict on a token without budgets, as nearly all are. */
const ALLOWED = { ...BUDGETED, budgets: [] } as Verdict;

const whole = (verdict: Verdict) => JSON.stringify(verdictWire(verdict));

/** Another value for each member but the sequence. */
const OTHERS: Readonly<Record<string, unknown>> = {
  tokenId: "another",
  keyId: "another",
  platform: "another",
  principal: { ...PRINCIPAL, email: "new@example.com" },
  issuedAt: 1,
  expiresAt: 2,
  agents: ["another"],
  caveats: ["another = x"],
  summary: "Today, anything.",
  summaryParts: [],
  revocationId: "another",
  revocationIds: ["another"],
  budgets: "budgets" in BUDGETED ? BUDGETED.budgets : [],
};

describe("a verdict on a token that was written before", () => {
  test("is written as if it were the first, with its own sequence", () => {
    const write = createVerdictWriter();
    for (const sequence of ["a-1", "a-1", "a-2", 'quote"-3', "a-1"]) {
      const verdict = { ...ALLOWED, sequence };
      expect(write(verdict)).toBe(whole(verdict));
    }
  });

  test("no member is forgotten here", () => {
    expect(Object.keys(OTHERS).sort()).toEqual(
      Object.keys(ALLOWED)
        .filter((name) => name !== "allowed" && name !== "sequence")
        .sort(),
    );
  });

  test.each(Object.entries(OTHERS))("says another %s where there is one", (name, value) => {
    const write = createVerdictWriter();
    const other = { ...ALLOWED, [name]: value } as Verdict;
    for (const verdict of [ALLOWED, ALLOWED, other, other, ALLOWED, other, ALLOWED]) {
      expect(write(verdict)).toBe(whole(verdict));
    }
    expect(whole(other)).not.toBe(whole(ALLOWED));
  });

  test("is written short for those who asked for the decision, and whole for the others", () => {
    const write = createVerdictWriter();
    const short = JSON.stringify(decisionWire(ALLOWED));
    for (const brief of [false, true, true, false, false, true, true]) {
      expect(write(ALLOWED, brief)).toBe(brief ? short : whole(ALLOWED));
    }
    expect(JSON.parse(write(REFUSED, true))).toEqual(decisionWire(REFUSED));
  });

  test("agents are compared by what they hold", () => {
    const write = createVerdictWriter();
    for (const agents of [["a"], ["a", "b"], ["a"], [], ["b"]]) {
      const verdict = { ...ALLOWED, agents } as Verdict;
      expect(write(verdict)).toBe(whole(verdict));
    }
  });

  test("one that is too long to keep is written whole each time", () => {
    const write = createVerdictWriter();
    const verdict = { ...ALLOWED, caveats: ["x".repeat(5000)] } as Verdict;
    for (let time = 0; time < 3; time++) expect(write(verdict)).toBe(whole(verdict));
  });

  test("with budgets it is written whole each time, since what is left differs", () => {
    const write = createVerdictWriter();
    for (const remaining of ["3", "2", "2", "1"]) {
      const [budget] = "budgets" in BUDGETED ? BUDGETED.budgets : [];
      const verdict = { ...BUDGETED, budgets: [{ ...budget, remaining }] } as Verdict;
      expect(write(verdict)).toBe(whole(verdict));
    }
  });

  test("refusals are written whole", () => {
    const write = createVerdictWriter();
    for (const verdict of [REFUSED, { ...REFUSED, sequence: "a-2" }, REFUSED]) {
      expect(write(verdict)).toBe(whole(verdict));
    }
  });
});

test.each([
  { what: "a long verdict, of which nothing is kept", caveat: "x".repeat(5_000), kept: false },
  { what: "a short one, which is kept", caveat: "x", kept: true },
])("memory is not filled by what no text is kept of: $what", async ({ caveat, kept }) => {
  const write = createVerdictWriter();
  const held = (() => {
    const verdict = { ...ALLOWED, caveats: [caveat] } as Verdict;
    write(verdict);
    write(verdict);
    return new WeakRef(verdict);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  memoryInUse();
  expect(held.deref() !== undefined).toBe(kept);
  expect(write(ALLOWED)).toBe(whole(ALLOWED));
});

import { afterAll, beforeAll, describe, expect, test } from "vitest";

import {
  createBakehouse,
  createLocalVerifier,
  type LocalVerifier,
  type VerifyRequest,
} from "../../src/client/index.ts";
import { loadCases } from "../caveats/cases.ts";
import { createProver, proved } from "../support/prover.ts";
import { startTestService, type TestService } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

/*
 * The table that the service's tests run, with the answers made on the client's side. A platform's clock is
 * its own, so rows about the time are left to the service's tests; so are those of discharges, which a local
 * verifier never judges, and contexts that the client refuses to send.
 */
const rows = loadCases().filter(
  ({ macaroon, caveats }) =>
    macaroon === "root" && !caveats.some((caveat) => /\btime\b|time-before/.test(caveat)),
);

declare global {
  interface JSON {
    /** Text that `JSON.stringify` writes as it is (ECMAScript 2026). */
    rawJSON(text: string): unknown;
  }
}

/** A context or a cost whose numbers are written as the row writes them. */
function objectOf<T>(text: string): Readonly<Record<string, T>> {
  const keepNumbers = (_: string, value: unknown, { source }: { source?: string }) =>
    typeof value === "number" && source !== undefined ? JSON.rawJSON(source) : value;
  return JSON.parse(text, keepNumbers as (key: string, value: unknown) => unknown);
}

let service: TestService;
let server: { readonly url: string; close(): Promise<void> };
let verifier: LocalVerifier;
let root: string;

beforeAll(async () => {
  service = await startTestService({ kind: "pglite" });
  server = await service.listen();
  const credential = service.asPlatform()["authorization"]?.slice(7) ?? "";
  // Longer than a busy machine stands still: it is not the bound that is tested here.
  const maxStaleness = 600_000;
  verifier = createLocalVerifier({ service: createBakehouse({ url: server.url, credential }), maxStaleness });
  await verifier.ready();
  root = (await service.issue({ ttl: 86_400 })).token;
  await verifier.verify({ token: root, context: {} });
});

afterAll(async () => {
  verifier.close();
  await server.close();
  await service.close();
});

describe("[pglite] the table of caveat cases, answered by the client", () => {
  test("has most of the table's rows", () => {
    expect(rows.length).toBeGreaterThan(250);
  });

  test.each(rows)("$name", async ({ caveats, contextText, costText, code, detail }) => {
    const token = narrow(root, ...caveats);
    const asked = verifier.verify({
      token,
      context: objectOf(contextText),
      ...(costText !== "{}" && { cost: objectOf<number>(costText) }),
    });
    const verdict = await asked.catch((error: unknown) => error);
    // A context with a member of the service's own is refused as a whole, here as there.
    if (
      /"(time|agent|depth|uses|spend|rate|holder|ancestor|approval|principal|platform|token_id|cost|bh)"/.test(
        contextText,
      )
    ) {
      if (verdict instanceof Error) return;
    }
    expect(verdict).toMatchObject(code === null ? { allowed: true } : { allowed: false, code });
    if (detail !== undefined) expect(verdict).toHaveProperty("failures.0.detail", detail);
  });

  test("a token with a holder is the service's to answer, each time, and so is all that is narrowed from it", async () => {
    const key = createProver();
    const token = narrow(root, "agent = held#1", key.caveat);
    const child = narrow(token, "action = read");
    const question = (asked: string) => {
      const { proof } = proved(key, asked, Date.now()) as Pick<VerifyRequest, "proof">;
      return { token: asked, context: { action: "read" }, proof };
    };
    const before = verifier.counts.asked;
    const once = question(token);
    const verdicts = [];
    for (const asked of [
      once,
      once,
      question(child),
      { token, context: {} },
      { token: child, context: {} },
    ]) {
      const verdict = await verifier.verify(asked as VerifyRequest);
      verdicts.push(verdict.allowed ? "allowed" : verdict.code);
    }
    expect(verdicts).toEqual([
      "allowed",
      "holder_proof_invalid",
      "allowed",
      "holder_proof_required",
      "holder_proof_required",
    ]);
    expect(verifier.counts.asked - before).toBe(5);
  });

  test("a token with a budget is the service's to answer, each time, and so is all that is narrowed from it", async () => {
    const token = narrow(root, "agent = counted#1", "uses <= 2");
    const before = verifier.counts.asked;
    const verdicts = [];
    for (const one of [token, narrow(token, "action = read"), token]) {
      verdicts.push(await verifier.verify({ token: one, context: { action: "read" } }));
    }
    expect(verdicts).toMatchObject([
      { allowed: true, budgets: [{ limit: "2", remaining: "1" }] },
      { allowed: true, budgets: [{ limit: "2", remaining: "0" }] },
      { allowed: false, code: "budget_exhausted", failures: [{ remaining: "0" }] },
    ]);
    expect(verifier.counts.asked - before).toBe(3);
  });

  test("what a call costs is nothing to a token without budgets, which is answered here", async () => {
    const before = verifier.counts.asked;
    for (const more of [{ cost: { EUR: 5 } }, { cost: { EUR: 5 }, reserve: 60, charge_id: "order 1" }]) {
      const verdict = await verifier.verify({ token: root, context: {}, ...more });
      expect(verdict).toMatchObject({ allowed: true, budgets: [] });
    }
    expect(verifier.counts.asked).toBe(before);
  });

  test.each<[string, object]>([
    ["a negative amount", { cost: { EUR: -1 } }],
    ["an amount that is no number", { cost: { EUR: "much" } }],
    ["not a number", { cost: { EUR: Number.NaN } }],
    ["more than forty digits", { cost: { EUR: 1e-50 } }],
    ["a unit with a space", { cost: { "E UR": 1 } }],
    ["a list", { cost: [1] }],
    ["null", { cost: null }],
    ["a date", { cost: new Date(0) }],
    ["101 units", { cost: Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`u${n}`, 1])) }],
    ["an empty charge_id", { charge_id: "" }],
    ["a long charge_id", { charge_id: "x".repeat(129) }],
    ["a charge_id with half of a character", { charge_id: "\ud800" }],
    ["a reserve of nothing", { reserve: 0 }],
    ["a reserve of half a second", { reserve: 0.5 }],
    ["a reserve of more than a day", { reserve: 86_401 }],
  ])("a charge that the service does not read is its to refuse, whatever the token: %s", async (_, more) => {
    const before = verifier.counts.asked;
    const refused = await verifier
      .verify({ token: root, context: {}, ...more })
      .catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "invalid_request", status: 400 });
    expect(verifier.counts.asked - before).toBe(1);
  });

  test("and nearly always without asking the service", () => {
    expect(verifier.counts.local).toBeGreaterThan(verifier.counts.asked);
  });
});

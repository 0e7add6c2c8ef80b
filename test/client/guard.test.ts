import { createServer, type IncomingMessage } from "node:http";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";

import {
  type AllowedDecision,
  BakehouseError,
  createBakehouse,
  type Decider,
  decide,
  guardHono,
  guardNode,
  guardTool,
  type NodeRequest,
  type Refused,
  TokenError,
  type Verifier,
  type VerifyRequest,
} from "../../src/client/index.ts";

const REFUSED: Refused = {
  allowed: false,
  code: "caveat_failed",
  detail: "d",
  failures: [],
  undischarged: [],
  sequence: "e-1",
};

/** Refuses everything, and remembers what it was asked. */
function recording(refused: Partial<Refused> = {}) {
  const asked: VerifyRequest[] = [];
  const verifier: Verifier = {
    async verify(request) {
      asked.push(request);
      return { ...REFUSED, ...refused };
    },
  };
  return { verifier, asked };
}

test.each([
  { code: "expired", status: 401, error: "invalid_token" },
  { code: "revoked", status: 401, error: "invalid_token" },
  { code: "bad_signature", status: 401, error: "invalid_token" },
  { code: "caveat_failed", status: 403, error: "insufficient_scope" },
  { code: "discharge_missing", status: 403, error: "insufficient_scope" },
  { code: "budget_exhausted", status: 403, error: "insufficient_scope" },
  { code: "newer_than_this_library", status: 403, error: "insufficient_scope" },
])("a refusal for $code is $status, with its own code in the body", async ({ code, status, error }) => {
  const { verifier } = recording({ code });
  const decision = await decide(verifier, { authorization: "Bearer AgEA", context: {} });
  if (decision.pass) throw new Error("passed");
  expect(decision.status).toBe(status);
  expect(decision.headers.get("www-authenticate")).toBe(`Bearer error="${error}"`);
  expect(decision.headers.get("content-type")).toBe("application/problem+json");
  expect(JSON.parse(decision.body)).toMatchObject({ status, code, failures: [], undischarged: [] });
});

test("whoever cannot be asked is 503, and a fault of the caller's is theirs", async () => {
  const away = createBakehouse({ url: "http://127.0.0.1:1", credential: "x", retries: 0 });
  const request = { authorization: "Bearer AgEA", context: {} };
  expect(await decide(away, request)).toMatchObject({ pass: false, status: 503 });
  const faulty: Verifier = {
    async verify() {
      throw new TokenError("malformed", "m");
    },
  };
  await expect(decide(faulty, request)).rejects.toThrow(TokenError);
});

test("why nobody could be asked is told to the server, and not to its caller", async () => {
  const errors: BakehouseError[] = [];
  const onError = (error: BakehouseError) => void errors.push(error);
  const away: Verifier = {
    async verify() {
      throw new BakehouseError("unauthenticated", "the credential has expired");
    },
  };
  const decision = await decide(away, { authorization: "Bearer AgEA", context: {}, onError });
  expect(decision).toMatchObject({ pass: false, status: 503 });
  expect(JSON.stringify(decision)).not.toContain("expired");
  const response = { statusCode: 200, setHeader: () => {}, end: () => {}, once: () => {} };
  const request = { url: "/", headers: { authorization: "Bearer AgEA" }, socket: {} };
  await guardNode(away, undefined, { onError })(request, response, () => expect.unreachable());
  expect(response.statusCode).toBe(503);
  const app = new Hono().use(guardHono(away, undefined, { onError }));
  expect((await app.request("/", { headers: { authorization: "Bearer AgEA" } })).status).toBe(503);
  expect(errors.map(({ code }) => code)).toEqual(Array(3).fill("unauthenticated"));
});

test("the verdict has a type on the requests of node:http and of Express", () => {
  const guard = guardNode(recording().verifier);
  createServer((request: IncomingMessage & NodeRequest, response) =>
    guard(request, response, () => response.end(request.bakehouse?.principal.subject)),
  );
  const express = (request: Express.Request): string | undefined => request.bakehouse?.token_id;
  expect(express({})).toBeUndefined();
});

test("a tool does not run on a refusal, and what it would run with is what was cleared", async () => {
  const { verifier, asked } = recording();
  const runs: unknown[] = [];
  const tool = guardTool(verifier, "pay", (args: { amount: number; tool?: string }) => runs.push(args));
  const context = { tool: "harmless", args: { amount: 0 }, ip: "192.0.2.1" };
  await expect(tool({ amount: 5, tool: "x" }, { token: "AgEA", context })).rejects.toThrow("d");
  expect(runs).toEqual([]);
  // Neither the caller's context nor an argument of that name says which tool it is.
  expect(asked[0]?.context).toEqual({ tool: "pay", args: { amount: 5, tool: "x" }, ip: "192.0.2.1" });
});

describe('guards with answer: "decision"', () => {
  const DECISION: AllowedDecision = {
    allowed: true,
    token_id: "t",
    principal: { id: "p", issuer: "https://login.test", subject: "alice" },
    agents: [],
    expires_at: "2027-01-01T00:00:00.000Z",
    revocation_id: "r",
    budgets: [],
    sequence: "e-1",
  };
  const REFUSAL = { allowed: false, code: "discharge_missing", detail: "d", sequence: "e-1" } as const;
  const MISSING = [{ location: "https://third.example", caveat_id: "AAAA" }];
  const authorization = "Bearer AgEA";

  /** Answers in short alone, and remembers what it was asked. */
  function short(answer: Awaited<ReturnType<Decider["decision"]>>) {
    const asked: VerifyRequest[] = [];
    const decider: Decider = {
      verify: () => expect.unreachable("asked for the whole answer"),
      async decision(request) {
        asked.push(request);
        return answer;
      },
    };
    return { decider, asked };
  }

  test("ask for it alone, and give it to the handlers", async () => {
    const { decider, asked } = short(DECISION);
    const request: NodeRequest = { url: "/a", headers: { authorization }, socket: {} };
    const response = { statusCode: 200, setHeader: () => {}, end: () => {}, once: () => {} };
    await guardNode(decider, undefined, { answer: "decision" })(request, response, () => {});
    expect([request.bakehouseDecision, request.bakehouse]).toEqual([DECISION, undefined]);

    const app = new Hono<{ Variables: { bakehouseDecision: AllowedDecision } }>();
    app.use(guardHono(decider, () => ({ action: "read" }), { answer: "decision" }));
    app.get("/b", (c) => c.text(c.get("bakehouseDecision").principal.subject));
    expect(await (await app.request("/b", { headers: { authorization } })).text()).toBe("alice");

    const pay = guardTool(decider, "pay", (_: { amount: number }, { token_id }) => token_id, {
      answer: "decision",
    });
    expect(await pay({ amount: 5 }, { token: "AgEA" })).toBe("t");

    const decision = await decide(decider, { authorization, context: { action: "x" }, answer: "decision" });
    expect(decision).toEqual({ pass: true, verdict: DECISION });
    expect(asked.map(({ context }) => context)).toEqual([
      { method: "GET", path: "/a" },
      { method: "GET", path: "/b", action: "read" },
      { tool: "pay", args: { amount: 5 } },
      { action: "x" },
    ]);
    for (const question of asked) expect(question).not.toHaveProperty("answer");
  });

  test("refuse as ever, without a list of what failed", async () => {
    const { decider } = short({ ...REFUSAL, undischarged: MISSING });
    const refused = await decide(decider, { authorization, context: {}, answer: "decision" });
    if (refused.pass) throw new Error("passed");
    expect(refused.status).toBe(403);
    expect(JSON.parse(refused.body)).toMatchObject({ code: "discharge_missing", undischarged: MISSING });
    expect(JSON.parse(refused.body)).not.toHaveProperty("failures");
    const tool = guardTool(decider, "pay", () => expect.unreachable(), { answer: "decision" });
    await expect(tool({}, { token: "AgEA" })).rejects.toMatchObject({
      verdict: { ...REFUSAL, failures: [], undischarged: MISSING },
    });
  });

  test("are an error where they are made with a verifier that knows none", () => {
    const { verifier } = recording();
    const answer = "decision";
    const like = /needs a verifier with decision/;
    expect(() => guardNode(verifier, undefined, { answer })).toThrow(like);
    // @ts-expect-error a verifier without decision
    expect(() => guardHono(verifier, () => ({}), { answer })).toThrow(like);
    // @ts-expect-error a verifier without decision
    expect(() => guardTool(verifier, "pay", () => 1, { answer })).toThrow(like);
    expect(() => guardNode(verifier, undefined, { answer: "whole" as "decision" })).toThrow(/answer/);
  });
});

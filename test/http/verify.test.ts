import { describe, expect, test } from "vitest";
import { readDecimal } from "../../src/caveats/values/decimal.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import type { VerifyRequest } from "../../src/domain/service.ts";
import { JsonNumber } from "../../src/json/value.ts";
import { REFUSAL_CODES } from "../../src/words/refusal-codes.ts";
import { ALLOWED, REFUSED, REVOCATION_ID, SEQUENCE, TOKEN_ID } from "../support/fake-service.ts";
import { as, createTestApp, problemOf, read } from "./app.ts";
import { CANARY } from "./mutations.ts";

/** What the use case was asked, in the given call. */
function asked<T>(calls: readonly { readonly args: readonly unknown[] }[]): T {
  return calls[0]?.args[1] as T;
}

const RESERVED =
  "time agent depth uses spend rate holder ancestor approval principal platform token_id cost bh".split(" ");

function nested(depth: number): string {
  return `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
}

const ALLOWED_WIRE = {
  allowed: true,
  token_id: TOKEN_ID,
  key_id: "Zk3vQm2xT9aBcDeF",
  platform: "default",
  principal: {
    id: "pW3kD0q9xYb2LmNa",
    issuer: "https://login.example.com",
    subject: "248289761001",
    email: "alice@example.com",
  },
  issued_at: "2026-11-22T13:00:00.125Z",
  expires_at: "2026-11-22T14:00:00.125Z",
  agents: ["orchestrator"],
  caveats: ["time < 2026-11-22T14:00:00.125Z", "action in read, list", "agent = orchestrator"],
  summary: "Until 14:00 UTC, read or list.",
  summary_parts: [{ by: "issued", text: "Until 14:00 UTC, read or list." }],
  revocation_id: "ASNFZ4mrze8BI0VniavN7w",
  revocation_ids: [REVOCATION_ID, "ASNFZ4mrze8BI0VniavN7w"],
  budgets: [
    { caveat: "uses <= 3", revocation_id: REVOCATION_ID, agent: null, limit: "3", remaining: "2" },
    {
      caveat: "rate <= 5/m",
      revocation_id: "ASNFZ4mrze8BI0VniavN7w",
      agent: "orchestrator",
      limit: "5/m",
      remaining: "0",
      discharge: 0,
    },
  ],
  sequence: SEQUENCE,
};

const REFUSED_WIRE = {
  allowed: false,
  code: "caveat_failed",
  detail: "args.amount is 250, the token allows at most 100",
  failures: [
    {
      index: 2,
      caveat: "args.amount <= 100",
      agent: "researcher",
      placed: "handed_over",
      code: "caveat_failed",
      detail: "args.amount is 250, the token allows at most 100 (since the hand-over to researcher)",
    },
    {
      index: 3,
      caveat: "rate <= 5/m",
      agent: null,
      placed: "first_holder",
      code: "budget_exhausted",
      detail: "the token allows at most 5 times a minute, and has room again in 12 seconds",
      remaining: "0",
      retry_after: 12,
    },
  ],
  undischarged: [{ location: "https://third.example", caveat_id: "AAEC" }],
  sequence: SEQUENCE,
};

describe("POST /v1/verify", () => {
  test("answers an allowed call with exactly the contract's members", async () => {
    const { send } = createTestApp();
    const response = await send("POST", "/v1/verify", { token: "t", context: {} }, as("platform"));
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(await response.json()).toEqual(ALLOWED_WIRE);
  });

  test("answers a refused call with 200 and exactly the contract's members", async () => {
    const { send } = createTestApp({ decisions: { decide: async () => REFUSED } });
    const response = await send("POST", "/v1/verify", { token: "t", context: {} }, as("platform"));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(REFUSED_WIRE);
  });

  test.each(REFUSAL_CODES)("every refusal code is described: %s", async (code) => {
    const refusal = {
      allowed: false,
      code,
      detail: "d",
      failures: [],
      undischarged: [],
      sequence: SEQUENCE,
    } as const;
    const { send } = createTestApp({ decisions: { decide: async () => refusal } });
    expect(
      (await read<{ code: string }>(await send("POST", "/v1/verify", { token: "t", context: {} }))).code,
    ).toBe(code);
  });

  test("keeps the text of the context's numbers, and members of any name", async () => {
    const { send, calls } = createTestApp();
    const body =
      '{"token":"t","context":{"__proto__":1.10,"args":{"amount":123456789012345678901234567890.12},"big":1e400}}';
    expect((await send("POST", "/v1/verify", body)).status).toBe(200);
    const { context } = asked<VerifyRequest>(calls);
    expect(context).toEqual(
      new Map<string, unknown>([
        ["__proto__", new JsonNumber("1.10")],
        ["args", new Map([["amount", new JsonNumber("123456789012345678901234567890.12")]])],
        ["big", new JsonNumber("1e400")],
      ]),
    );
  });

  test("hands on what was asked, with its defaults", async () => {
    const { send, calls } = createTestApp();
    await send("POST", "/v1/verify", { token: "t", context: {} });
    await send("POST", "/v1/verify", {
      token: "t",
      discharges: ["d"],
      context: { a: "b" },
      cost: { EUR: 0, tokens: "12.50" },
      charge_id: "order 7",
      reserve: 60,
      proof: { dpop: "p", method: "GET", uri: "u", content_digest: "d" },
      endorsements: ["e"],
      min_sequence: SEQUENCE,
      dry_run: true,
      answer: "decision",
    });
    await send("POST", "/v1/verify", { token: "t", answer: "decision", context: {} });
    expect(calls.map(({ args }) => args[1])).toEqual([
      {
        token: "t",
        discharges: [],
        context: new Map(),
        cost: new Map(),
        chargeId: undefined,
        reserve: undefined,
        proof: undefined,
        endorsements: [],
        minSequence: undefined,
        dryRun: false,
        brief: false,
      },
      {
        token: "t",
        discharges: ["d"],
        context: new Map([["a", "b"]]),
        cost: new Map([
          ["EUR", readDecimal("0")],
          ["tokens", readDecimal("12.5")],
        ]),
        chargeId: "order 7",
        reserve: 60,
        proof: { dpop: "p", method: "GET", uri: "u", contentDigest: "d" },
        endorsements: ["e"],
        minSequence: SEQUENCE,
        dryRun: true,
        brief: true,
      },
      expect.objectContaining({ token: "t", context: new Map(), brief: true }),
    ]);
  });

  test.each(["", "x".repeat(100_000), "not a token \u0007"])(
    "leaves it to the answer what a token is",
    async (token) => {
      const { send, calls } = createTestApp();
      expect((await send("POST", "/v1/verify", { token, context: {} })).status).toBe(200);
      expect(calls[0]?.args[1]).toMatchObject({ token });
    },
  );

  test.each(RESERVED)("refuses a context that sets %s", async (name) => {
    const { send, calls } = createTestApp();
    const problem = await problemOf(
      await send("POST", "/v1/verify", { token: "t", context: { a: 1, [name]: CANARY } }),
    );
    expect(problem).toMatchObject({ status: 400, code: "invalid_request", member: `context.${name}` });
    expect(problem.detail).not.toContain(CANARY);
    expect(calls).toEqual([]);
  });

  test("lets a reserved name pass where it is not at the top", async () => {
    const { send } = createTestApp();
    expect((await send("POST", "/v1/verify", { token: "t", context: { args: { time: 1 } } })).status).toBe(
      200,
    );
  });

  test.each([
    [64, 200],
    [65, 400],
    [100, 400],
  ])("a context nested %i deep is answered %i", async (depth, status) => {
    const { send } = createTestApp();
    const response = await send("POST", "/v1/verify", `{"token":"t","context":${nested(depth)}}`);
    expect(response.status).toBe(status);
    if (status === 400) expect((await problemOf(response)).member).toMatch(/^context/);
  });

  test.each([
    ['{"a":"x\\u0000"}', "context.a"],
    ['{"a":["\\ud800"]}', "context.a[0]"],
    ['{"a":{"b":1,"b":2}}', "context.a.b"],
  ])("refuses the context %s at %s", async (context, member) => {
    const { send, calls } = createTestApp();
    const problem = await problemOf(await send("POST", "/v1/verify", `{"token":"t","context":${context}}`));
    expect(problem).toMatchObject({ status: 400, member });
    expect(calls).toEqual([]);
  });

  test.each([
    ['{"EUR":-1}', "cost.EUR"],
    ['{"EUR":-0}', "cost.EUR"],
    ['{"EUR":"-0"}', "cost.EUR"],
    ['{"EUR":"1 "}', "cost.EUR"],
    ['{"EUR":"01"}', "cost.EUR"],
    ['{"EUR":"1e40"}', "cost.EUR"],
    ['{"EUR":null}', "cost.EUR"],
    [`{"EUR":${"9".repeat(41)}}`, "cost.EUR"],
    ['{"a.b":1}', 'cost["a.b"]'],
    ['{"":1}', 'cost[""]'],
    ["[]", "cost"],
    ["1", "cost"],
  ])("refuses the cost %s at %s", async (cost, member) => {
    const { send, calls } = createTestApp();
    const problem = await problemOf(
      await send("POST", "/v1/verify", `{"token":"t","context":{},"cost":${cost}}`),
    );
    expect(problem).toMatchObject({ status: 400, member });
    expect(calls).toEqual([]);
  });

  test("takes a cost of 40 digits", async () => {
    const { send } = createTestApp();
    const body = `{"token":"t","context":{},"cost":{"EUR":${"9".repeat(40)},"_tok-1":0.5}}`;
    expect((await send("POST", "/v1/verify", body)).status).toBe(200);
  });

  test("503 is no refusal", async () => {
    const decide = async () => Promise.reject(new DomainError("unavailable", "revocations are too old"));
    const { send } = createTestApp({ decisions: { decide } });
    const response = await send("POST", "/v1/verify", { token: "t", context: {} });
    expect(response.headers.get("retry-after")).toBe("2");
    expect(await problemOf(response)).toMatchObject({ status: 503, code: "unavailable" });
  });
});

describe("POST /v1/verify/batch", () => {
  const good = { token: "good", context: {} };

  test("answers in order, each wrong one in its place", async () => {
    const { send, calls } = createTestApp({
      decisions: {
        decideBatch: async (_caller, requests) =>
          requests.map(({ token }) => {
            if (token === "down") return new DomainError("unavailable", "a key could not be had");
            return token === "bad" ? REFUSED : ALLOWED;
          }),
      },
    });
    const requests = [
      good,
      { token: "wrong" },
      { token: "bad", context: {} },
      7,
      { token: "down", context: {} },
      { ...good, context: { time: CANARY } },
      { ...good, surprise: CANARY },
      good,
    ];
    const response = await send("POST", "/v1/verify/batch", { requests }, as("platform"));
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text).not.toContain(CANARY);
    const { results } = JSON.parse(text);
    expect(results).toMatchObject([
      ALLOWED_WIRE,
      { status: 400, code: "invalid_request", member: "context" },
      REFUSED_WIRE,
      { status: 400, code: "invalid_request" },
      { status: 503, code: "unavailable" },
      { status: 400, code: "invalid_request", member: "context.time" },
      { status: 400, code: "invalid_request", member: "surprise" },
      ALLOWED_WIRE,
    ]);
    expect(results).toHaveLength(requests.length);
    expect(asked<VerifyRequest[]>(calls).map(({ token }) => token)).toEqual(["good", "bad", "down", "good"]);
  });

  test.each([
    ["a number out of range", '{"token":"t","context":{},"min_sequence":1e999}', "min_sequence"],
    ["a context nested too deep", `{"token":"t","context":${nested(65)}}`, "context"],
    ["null", "null", undefined],
    ["an array", "[]", undefined],
    ["an escaped NUL", '{"token":"t","context":{"a":"\\u0000"}}', "context.a"],
    ["a lone surrogate", '{"token":"t","context":{"a":["\\ud800"]}}', "context.a[0]"],
    ["a NUL in a member's name", '{"token":"t","context":{"\\u0000":1}}', "context"],
    ["a member twice", '{"token":"t","token":"u","context":{}}', "token"],
    ["nesting past the reader's limit", `{"token":"t","context":${nested(4_000)}}`, undefined],
  ])("%s spoils only its own item", async (_, item, member) => {
    const { send } = createTestApp();
    const response = await send("POST", "/v1/verify/batch", `{"requests":[${item},${JSON.stringify(good)}]}`);
    const { results } = await read<{ results: unknown[] }>(response);
    expect(results[0]).toMatchObject({ status: 400, code: "invalid_request", ...(member && { member }) });
    expect(results[1]).toEqual(ALLOWED_WIRE);
  });

  test.each([
    ["a member twice beside the items", '{"requests":[],"requests":[]}'],
    ["a NUL in a name beside the items", '{"requests":[],"\\u0000":1}'],
    ["a lone surrogate beside the items", '{"requests":[],"a":"\\ud800"}'],
    ["brackets that do not match behind deep nesting", `{"requests":[${"[".repeat(300)}}]}`],
    ["a string without an end in deep nesting", `{"requests":[${"[".repeat(300)}"]}`],
  ])("%s refuses the whole body", async (_, body) => {
    const { send, calls } = createTestApp();
    const response = await send("POST", "/v1/verify/batch", body);
    expect(await problemOf(response)).toMatchObject({ status: 400, code: "invalid_request" });
    expect(calls).toEqual([]);
  });

  test("asks whether the caller may also where no item is valid", async () => {
    const decideBatch = async () =>
      Promise.reject(new DomainError("forbidden", "the credential does not allow verify"));
    const { send } = createTestApp({ decisions: { decideBatch } });
    expect(await problemOf(await send("POST", "/v1/verify/batch", { requests: [7] }))).toMatchObject({
      status: 403,
    });
  });

  test.each([
    [0, 200],
    [1000, 200],
    [1001, 400],
  ])("%i requests are answered %i", async (count, status) => {
    const { send } = createTestApp();
    const requests = Array.from({ length: count }, () => good);
    const response = await send("POST", "/v1/verify/batch", { requests });
    expect(response.status).toBe(status);
    if (status === 200) expect((await read<{ results: unknown[] }>(response)).results).toHaveLength(count);
  });

  test("a fault that one item met with is that item's, and is logged without its words", async () => {
    const fault = Object.assign(new TypeError(CANARY), { code: "23505" });
    const { send, faults, requests } = createTestApp({
      decisions: { decideBatch: async () => [ALLOWED, { fault }, { fault: CANARY }, ALLOWED] },
    });
    const response = await send("POST", "/v1/verify/batch", { requests: [good, good, good, good] });
    const text = await response.text();
    expect(response.status).toBe(200);
    expect(text + JSON.stringify(faults)).not.toContain(CANARY);
    const internal = { status: 500, code: "internal_error", detail: "internal error" };
    expect(JSON.parse(text).results).toMatchObject([ALLOWED_WIRE, internal, internal, ALLOWED_WIRE]);
    expect(faults).toMatchObject([
      { route: "/v1/verify/batch", name: "TypeError", code: "23505" },
      { route: "/v1/verify/batch", name: "string", code: null },
    ]);
    expect(faults[0]?.requestId).toBe(requests[0]?.requestId);
  });

  test("too few verdicts are a fault, never an answer for another request", async () => {
    const { send, faults } = createTestApp({ decisions: { decideBatch: async () => [ALLOWED] } });
    expect((await send("POST", "/v1/verify/batch", { requests: [good, good] })).status).toBe(500);
    expect(faults).toHaveLength(1);
  });
});

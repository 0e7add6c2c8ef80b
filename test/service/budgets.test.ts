/** Budgets as platforms meet them: over HTTP, on both databases, through chains, discharges, batches and outages. */
import { describe, expect, test } from "vitest";

import { type Allowed, bearer, describeService, type Refused } from "../support/service.ts";
import { bound, createThirdParty, linkOf, narrow, tickets } from "../support/service-macaroons.ts";
import { callsOfRequests } from "../support/service-store.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const third = createThirdParty();

describeService("budgets", (service) => {
  const verify = (token: string, more: object = {}, context: object = {}) =>
    service().verify(token, context, more);
  const codeOf = async (token: string, more: object = {}, context: object = {}) => {
    const verdict = await verify(token, more, context);
    return verdict.allowed ? "allowed" : verdict.code;
  };
  const budgetsOf = async (token: string, more: object = {}) =>
    ((await verify(token, more)) as Allowed).budgets;

  async function batch(requests: readonly object[]): Promise<readonly (Allowed | Refused)[]> {
    const answer = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    expect(answer.status).toBe(200);
    return answer.json<{ results: readonly (Allowed | Refused)[] }>().results;
  }

  test("children that were never registered share their parent's, and have their own", async () => {
    const { token, revocation_id } = await service().issue({ caveats: ["uses <= 5"] });
    const [a, b] = ["a#1", "b#1"].map((agent) => narrow(token, `agent = ${agent}`, "uses <= 3"));
    expect(await budgetsOf(a ?? "")).toEqual([
      { caveat: "uses <= 5", revocation_id, agent: null, limit: "5", remaining: "4" },
      { caveat: "uses <= 3", revocation_id: linkOf(a ?? ""), agent: "a#1", limit: "3", remaining: "2" },
    ]);
    expect(await Promise.all([a, a, a].map((child) => codeOf(child ?? "")))).toEqual([
      "allowed",
      "allowed",
      "budget_exhausted",
    ]);
    expect([await codeOf(b ?? ""), await codeOf(b ?? ""), await codeOf(b ?? "")]).toEqual([
      "allowed",
      "allowed",
      "budget_exhausted",
    ]);
    expect(await verify(b ?? "")).toMatchObject({
      code: "budget_exhausted",
      detail: "the token allows at most 5 times in all, and nothing is left",
      failures: [{ index: 1, caveat: "uses <= 5", agent: null, code: "budget_exhausted", remaining: "0" }],
    });
  });

  test("a spend counts what calls cost, digit by digit", async () => {
    const { token } = await service().issue();
    const child = narrow(token, "agent = a#1", "spend.EUR <= 0.3", "spend.tokens <= 1000");
    const cost = { EUR: 0.1, tokens: "250" };
    for (const remaining of ["0.2", "0.1", "0"]) {
      expect((await budgetsOf(child, { cost })).map((budget) => budget.remaining)[0]).toBe(remaining);
    }
    expect(await verify(child, { cost: { EUR: "0.00000000000000000001", tokens: 999 } })).toMatchObject({
      code: "budget_exhausted",
      detail: "cost.EUR is 0.00000000000000000001, the token allows at most 0.3 EUR in all, and 0 is left",
      failures: [
        { index: 2, remaining: "0" },
        { index: 3, remaining: "250" },
      ],
    });
    expect(await verify(child, { cost: { EUR: 0 } })).toMatchObject({
      code: "caveat_failed",
      detail: expect.stringContaining("cost.tokens is missing, the token allows at most 1000 tokens in all"),
    });
    expect((await budgetsOf(child, { cost: { EUR: 0, tokens: 250 } })).map((one) => one.remaining)).toEqual([
      "0",
      "0",
    ]);
  });

  test.each([
    { EUR: -1 },
    { EUR: "-1" },
    { EUR: "+1" },
    { EUR: " 1" },
    { EUR: ".5" },
    { EUR: "1,5" },
    { EUR: true },
    { EUR: `1.${"1".repeat(40)}` },
    { "E UR": 1 },
  ])("a cost that is none is no question: %j", async (cost) => {
    const { token } = await service().issue();
    const body = { token, context: {}, cost };
    const answer = await service().send("POST", "/v1/verify", body, service().asPlatform());
    expect(answer.status).toBe(400);
    expect(answer.json()).toMatchObject({ code: "invalid_request", member: expect.stringContaining("cost") });
  });

  test("a cost has at most 100 units, where it is charged and where it is settled", async () => {
    const { token } = await service().issue({ caveats: ["spend.u0 <= 1000"] });
    const units = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`u${n}`, 1]));
    expect(await codeOf(token, { cost: units(100) })).toBe("allowed");
    for (const [path, rest] of [
      ["/v1/verify", { token, context: {} }],
      ["/v1/reservations/019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081/settle", {}],
    ] as const) {
      const body = { ...rest, cost: units(101) };
      const answer = await service().send("POST", path, body, service().asPlatform());
      expect(answer.json()).toMatchObject({
        status: 400,
        member: "cost",
        detail: expect.stringContaining("at most 100 units"),
      });
    }
  });

  test("refused calls and dry runs charge nothing", async () => {
    const { token } = await service().issue({ caveats: ["action = read", "uses <= 2", "spend.EUR <= 1"] });
    const read = { action: "read" };
    const cost = { EUR: 1 };
    for (let time = 0; time < 3; time++) {
      expect(await codeOf(token, { cost }, { action: "write" })).toBe("caveat_failed");
      expect(await codeOf(token, { cost: { EUR: 2 } }, read)).toBe("budget_exhausted");
      expect(await verify(token, { cost, dry_run: true }, read)).toMatchObject({
        allowed: true,
        budgets: [{ remaining: "2" }, { remaining: "1" }],
      });
    }
    expect(await verify(token, { cost }, read)).toMatchObject({
      budgets: [{ remaining: "1" }, { remaining: "0" }],
    });
    expect(await codeOf(token, { cost, dry_run: true }, read)).toBe("budget_exhausted");
  });

  test("a full rate says when it has room again", async () => {
    const { token } = await service().issue({ ttl: 86_400 });
    const child = narrow(token, "agent = a#1", "rate <= 2/m");
    expect(await budgetsOf(child)).toMatchObject([{ limit: "2/m", remaining: "1" }]);
    expect(await codeOf(child)).toBe("allowed");
    const refused = (await verify(child)) as Refused;
    const { retry_after: seconds = 0 } = refused.failures[0] ?? {};
    expect(refused.failures[0]?.detail).toBe(
      `the token allows at most 2 times a minute, and has room again in ${seconds} seconds`,
    );
    expect(seconds).toBeGreaterThan(40);
    expect(seconds).toBeLessThanOrEqual(61);
    await service().advance(seconds * 1000);
    expect(await codeOf(child)).toBe("allowed");
  });

  test("a batch is decided one question after another, in one go", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 3"] });
    const free = (await service().issue()).token;
    service().watched.calls.length = 0;
    const asked = [token, free, token, "x", token, token, narrow(token, "agent = a#1")];
    const results = await batch(asked.map((text) => ({ token: text, context: {} })));
    expect(results.map((result) => (result.allowed ? "allowed" : result.code))).toEqual([
      "allowed",
      "allowed",
      "allowed",
      "malformed",
      "allowed",
      "budget_exhausted",
      "budget_exhausted",
    ]);
    expect(results[4]).toMatchObject({ budgets: [{ remaining: "0" }] });
    expect(service().watched.calls.filter((call) => call === "budgets.charge")).toHaveLength(1);
  });

  test("calls that arrive together are charged together, and each platform by itself", async () => {
    await service().createPlatform("shop");
    const { token } = await service().issue({ caveats: ["uses <= 20"] });
    const theirs = (await service().issue({ platform: "shop", caveats: ["uses <= 20"] })).token;
    service().watched.calls.length = 0;
    const verdicts = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        n % 2 === 0 ? service().verify(token) : service().verify(theirs, {}, {}, "shop"),
      ),
    );
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(40);
    expect(service().watched.calls.filter((call) => call === "budgets.charge").length).toBeLessThan(20);
  });

  describe("of discharges", () => {
    async function asking(...caveats: readonly string[]) {
      const token = third.require((await service().issue({ caveats })).token, "c");
      return { token, ticket: tickets(token)[0] ?? "" };
    }

    test("count like the root's, and are told by their place", async () => {
      const { token, ticket } = await asking("uses <= 9");
      const discharges = [bound(token, third.discharge(ticket, "agent = clerk", "uses <= 1"))];
      expect(await budgetsOf(token, { discharges })).toEqual([
        { caveat: "uses <= 9", revocation_id: expect.any(String), agent: null, limit: "9", remaining: "8" },
        {
          caveat: "uses <= 1",
          revocation_id: expect.any(String),
          agent: "clerk",
          limit: "1",
          remaining: "0",
          discharge: 0,
        },
      ]);
      expect(await verify(token, { discharges })).toMatchObject({
        code: "budget_exhausted",
        failures: [{ detail: "in discharge 0: the token allows at most once in all, and nothing is left" }],
      });
      // Another discharge of the ticket is another link; the root's counter was spared by the refusal.
      const again = [bound(token, third.discharge(ticket, "agent = other", "uses <= 1"))];
      expect(await budgetsOf(token, { discharges: again })).toMatchObject([{ remaining: "7" }, {}]);
    });

    test("are bounded over the whole bundle, and nothing is charged of a larger one", async () => {
      const { token, ticket } = await asking("uses <= 5");
      const many = Array(26).fill("uses <= 9");
      const few = [bound(token, third.discharge(ticket, ...many, ...Array(5).fill("uses <= 9")))];
      expect(await budgetsOf(token, { discharges: few })).toHaveLength(32);
      const other = narrow(token, "agent = a#1", ...Array(6).fill("rate <= 9/m"));
      const discharges = [bound(other, third.discharge(ticket, ...many))];
      const refused = (await verify(other, { discharges })) as Refused;
      expect(refused.code).toBe("caveat_failed");
      expect(refused.failures.map(({ detail }) => detail)).toEqual([
        "in discharge 0: uses is a budget too many, a token and its discharges have at most 32",
      ]);
      expect((await budgetsOf(token, { discharges: few }))[0]).toMatchObject({ remaining: "3" });
    });

    test("bound to one token or another, it is the same discharge", async () => {
      const { token, ticket } = await asking();
      const discharge = third.discharge(ticket, "uses <= 1");
      const child = narrow(token, "agent = a#1");
      expect(await codeOf(child, { discharges: [bound(child, discharge)] })).toBe("allowed");
      expect(await codeOf(token, { discharges: [bound(token, discharge)] })).toBe("budget_exhausted");
      expect(
        await codeOf(child, {
          discharges: [bound(child, third.discharge(ticket, "uses <= 1", "uses <= 9"))],
        }),
      ).toBe("budget_exhausted");
    });
  });

  test("nothing that a holder appends, and no sweep, gives back a use", async () => {
    const { token } = await service().issue({ ttl: 4 * 3_600, caveats: ["uses <= 1"] });
    const soon = new Date((await service().database.store.now()) + MINUTE).toISOString();
    expect(await codeOf(narrow(token, `time < ${soon}`))).toBe("allowed");
    await service().advance(2 * HOUR);
    await service().maintenance.run();
    expect(await codeOf(token)).toBe("budget_exhausted");
    expect(await codeOf(narrow(token, "uses <= 5", "agent = b#2"))).toBe("budget_exhausted");
  });

  test("a token that was revoked, or that expired, while it was charged is refused", async () => {
    const revoked = await service().issue({ caveats: ["uses <= 3"] });
    const { watched } = service();
    watched.intercept(async (call) => {
      if (call !== "budgets.charge") return;
      watched.intercept(undefined);
      await service().revoke([{ token: revoked.token }]);
    });
    expect(await codeOf(revoked.token)).toBe("revoked");
    const short = await service().issue({ ttl: 60, caveats: ["uses <= 3"] });
    watched.intercept(async (call) => {
      if (call !== "budgets.charge") return;
      watched.intercept(undefined);
      await service().advance(2 * MINUTE);
    });
    expect(await codeOf(short.token)).toBe("expired");
  });

  test("in a batch, whatever others were waited for is asked about again, too", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 9"] });
    const free = (await service().issue()).token;
    const revoked = await service().issue();
    const short = await service().issue({ ttl: 60 });
    const { watched } = service();
    watched.intercept(async (call) => {
      if (call !== "budgets.charge") return;
      watched.intercept(undefined);
      await service().revoke([{ token: revoked.token }]);
      await service().advance(2 * MINUTE);
    });
    const asked = [revoked.token, free, short.token, token];
    const results = await batch(asked.map((text) => ({ token: text, context: {} })));
    expect(results.map((result) => (result.allowed ? "allowed" : result.code))).toEqual([
      "revoked",
      "allowed",
      "expired",
      "allowed",
    ]);
  });

  test("a credential that was revoked meanwhile gets no answer", async () => {
    const credential = bearer(await service().createPlatform("market"));
    const { token } = await service().issue({ platform: "market", caveats: ["uses <= 3"] });
    const { watched } = service();
    watched.intercept(async (call) => {
      if (call !== "budgets.charge") return;
      watched.intercept(undefined);
      await service().revoke([{ token: credential["authorization"]?.slice(7) ?? "" }]);
    });
    const answer = await service().send("POST", "/v1/verify", { token, context: {} }, credential);
    expect(answer.status).toBe(403);
  });

  test("where the database does not answer there is no answer, and never an allow", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 3"] });
    const free = (await service().issue()).token;
    await service().fresh();
    service().watched.setDown(true);
    const ask = (text: string) =>
      service().send("POST", "/v1/verify", { token: text, context: {} }, service().asPlatform());
    expect((await ask(token)).status).toBe(503);
    expect((await ask(narrow(token, "action = read"))).json()).toMatchObject({ code: "caveat_failed" });
    expect((await ask(free)).json()).toMatchObject({ allowed: true });
    service().watched.setDown(false);
    expect(await codeOf(token)).toBe("allowed");
  });

  test("a token without budgets asks no database", async () => {
    const { token } = await service().issue({ caveats: ["action = read"] });
    const read = { action: "read" };
    await verify(token, {}, read);
    const reached = service().watched.calls.length;
    expect(await verify(token, { cost: { EUR: 3 } }, read)).toMatchObject({ allowed: true, budgets: [] });
    expect(callsOfRequests(service().watched.calls.slice(reached))).toEqual([]);
  });

  test("a credential of this API can have none, and is good for nothing once narrowed by one", async () => {
    const answer = await service().send(
      "POST",
      "/v1/platforms/default/credentials",
      { caveats: ["action = verify", "rate <= 5/m"] },
      service().asAdmin(),
    );
    expect(answer.json()).toMatchObject({
      status: 422,
      member: "caveats[1]",
      detail: "is a budget, and calls with a credential are not counted",
    });
    const { token } = await service().issue();
    const [credential = ""] = Object.values(service().asPlatform()).map((text) => text.slice(7));
    const narrowed = bearer(narrow(credential, "uses <= 5"));
    expect((await service().send("POST", "/v1/verify", { token, context: {} }, narrowed)).status).toBe(403);
  });

  test("a summary says what they allow", async () => {
    const { token } = await service().issue({ caveats: ["spend.EUR <= 40.00", "rate <= 10/h"] });
    const verdict = await verify(narrow(token, "agent = a#1", "uses <= 3"), { cost: { EUR: 1 } });
    expect((verdict as Allowed).summary).toMatch(
      /^Until .* UTC, ANYTHING, at most 40 EUR in all, 39 left, at most 10 times an hour, 9 left, at most 3 times in all, 2 left, handed on to a\.$/,
    );
  });
});

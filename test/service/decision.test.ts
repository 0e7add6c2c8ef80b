/** A short answer says the same as the whole one, and less. */
import { describe, expect, test } from "vitest";

import { describeService } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

interface Answer {
  readonly allowed: boolean;
  readonly [member: string]: unknown;
}

const SHORT = [
  "allowed",
  "token_id",
  "principal",
  "agents",
  "expires_at",
  "revocation_id",
  "budgets",
  "sequence",
];
const REFUSED = ["allowed", "code", "detail", "sequence"];

describeService("a decision", (service) => {
  const send = (body: object, path = "/v1/verify") =>
    service().send("POST", path, body, service().asPlatform());

  async function asked(question: object): Promise<Answer> {
    const answer = await send(question);
    expect(answer.status, answer.text).toBe(200);
    return answer.json<Answer>();
  }

  async function both(token: string, more: object = {}) {
    const ask = (body: object) => asked({ token, context: { action: "read" }, ...more, ...body });
    return { whole: await ask({ dry_run: true }), short: await ask({ answer: "decision" }) };
  }

  function pick(answer: Answer, names: readonly string[]) {
    return Object.fromEntries(names.map((name) => [name, answer[name]]));
  }

  test("on an allowed token has its facts and no texts, the first time and later", async () => {
    const { token } = await service().issue({ caveats: ["action in read, list"] });
    const narrowed = narrow(token, "agent = researcher", "note = x");
    for (let count = 0; count < 3; count++) {
      const { whole, short } = await both(narrowed, { context: { action: "read", note: "x" } });
      expect(short).toEqual(pick(whole, SHORT));
      expect(whole).toHaveProperty("summary");
    }
  });

  test("on a budget says what is left of it, a repeat and a reservation", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 5", "spend.EUR <= 9"] });
    const question = { cost: { EUR: 1 }, charge_id: "one", reserve: 60, answer: "decision" };
    const ask = () => asked({ token, context: {}, ...question });
    const first = await ask();
    expect(first).toMatchObject({
      allowed: true,
      budgets: [{ remaining: "4" }, { remaining: "8" }],
      reservation: { id: expect.any(String) },
    });
    expect(first).not.toHaveProperty("caveats");
    expect(await ask()).toMatchObject({ allowed: true, repeated: true });
  });

  describe("on a refused token", () => {
    test.each([
      ["a caveat that fails", "action = write", "caveat_failed"],
      ["one that nobody knows", "sudo", "caveat_unknown"],
      ["an end that is over", "time < 2020-01-01T00:00:00Z", "expired"],
    ])("has the reason alone: %s", async (_, caveat, code) => {
      const { token } = await service().issue();
      const { whole, short } = await both(narrow(token, caveat));
      // The instant of an answer stands in the detail of an end.
      const detail = String(whole["detail"]).replace(/it is .*$/, "");
      expect(short).toEqual({ ...pick(whole, REFUSED), code, detail: expect.stringContaining(detail) });
    });

    test("has what has to be asked for, if that is the reason", async () => {
      const third = { location: "https://bank.example", condition: "x" };
      const public_key = Buffer.alloc(32, 9).toString("base64");
      const { token } = await service().issue({ third_party_caveats: [{ ...third, public_key }] });
      const { whole, short } = await both(token);
      expect(short).toEqual(pick(whole, [...REFUSED, "undischarged"]));
      expect(short).toMatchObject({
        code: "discharge_missing",
        undischarged: [{ location: third.location }],
      });
      const { short: other } = await both(narrow(token, "action = write"));
      expect(Object.keys(other)).toEqual(REFUSED);
    });

    test("which is malformed, or was revoked", async () => {
      const { token } = await service().issue();
      await service().revoke([{ token }]);
      const { whole, short } = await both(token);
      expect(whole).toHaveProperty("revocation");
      expect(short).toEqual(pick(whole, REFUSED));
      expect((await both("nonsense")).short).toMatchObject({ allowed: false, code: "malformed" });
    });
  });

  test("is each question's own in a batch", async () => {
    const { token } = await service().issue();
    const question = { token, context: {} };
    const requests = [question, { ...question, answer: "decision" }];
    const answer = await send({ requests }, "/v1/verify/batch");
    const { results } = answer.json<{ results: readonly Answer[] }>();
    expect(results.map((one) => "summary" in one)).toEqual([true, false]);
    const wrong = await send({ ...question, answer: "all" });
    expect(wrong.json()).toMatchObject({ status: 400, member: "answer" });
  });
});

/** Charges that are remembered, and charges of which less is needed in the end. */
import { describe, expect, test } from "vitest";

import { type Allowed, describeService, type Problem, type Refused } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

const MINUTE = 60_000;

interface Reservation {
  readonly id: string;
  readonly state: string;
  readonly cost: object;
  readonly settled?: object;
  readonly expires_at: string;
}

describeService("charges under an id", (service) => {
  let count = 0;
  function fresh(): string {
    count += 1;
    return `order ${count}`;
  }
  const ask = (token: string, more: object, context: object = {}) =>
    service().send("POST", "/v1/verify", { token, context, ...more }, service().asPlatform());
  const verdict = async (token: string, more: object = {}, context: object = {}) =>
    (await ask(token, more, context)).json<Allowed | Refused>();
  const left = async (token: string, cost: object = { EUR: 0 }) =>
    ((await verdict(token, { dry_run: true, cost })) as Allowed).budgets.map(({ remaining }) => remaining);

  test("the same question is charged once, and is told apart from the first", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 5", "spend.EUR <= 10"] });
    const more = { charge_id: fresh(), cost: { EUR: 4 } };
    const first = await verdict(token, more, { a: 1, b: [2, "x"] });
    expect(first).not.toHaveProperty("repeated");
    for (const context of ['{"a":1,"b":[2,"x"]}', '{ "b": [2, "x"], "a": 1 }']) {
      const rest = JSON.stringify({ token, ...more, cost: undefined }).slice(0, -1);
      const body = `${rest},"cost":{"EUR":"4.0"},"context":${context}}`;
      const again = await service().send("POST", "/v1/verify", body, service().asPlatform());
      expect(again.json()).toMatchObject({
        allowed: true,
        repeated: true,
        budgets: [{ remaining: "4" }, { remaining: "6" }],
      });
    }
    expect(await left(token)).toEqual(["4", "6"]);
  });

  test.each<[string, (token: string) => readonly [string, object, object]]>([
    ["a context", (token) => [token, { cost: { EUR: 1 } }, { a: 2 }]],
    ["a number that is written differently", (token) => [token, { cost: { EUR: 1 } }, { a: "1" }]],
    ["a cost", (token) => [token, { cost: { EUR: 2 } }, { a: 1 }]],
    ["a unit", (token) => [token, { cost: { EUR: 1, USD: 1 } }, { a: 1 }]],
    ["a reservation", (token) => [token, { cost: { EUR: 1 }, reserve: 60 }, { a: 1 }]],
    ["a token that was narrowed", (token) => [narrow(token, "agent = a#1"), { cost: { EUR: 1 } }, { a: 1 }]],
  ])("another question under the id is refused, and charges nothing: %s", async (_, other) => {
    const { token } = await service().issue({ caveats: ["uses <= 5", "spend.EUR <= 10"] });
    const charge_id = fresh();
    expect((await ask(token, { charge_id, cost: { EUR: 1 } }, { a: 1 })).json()).toMatchObject({
      allowed: true,
    });
    const [asked, more, context] = other(token);
    const answer = await ask(asked, { charge_id, ...more }, context);
    expect(answer.json<Problem>()).toMatchObject({
      status: 409,
      code: "charge_mismatch",
      member: "charge_id",
    });
    expect(await left(token)).toEqual(["4", "9"]);
  });

  test("what was refused is not remembered, and a dry run remembers nothing", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 1"] });
    const charge_id = fresh();
    expect(await verdict(token, { charge_id, dry_run: true })).toMatchObject({ allowed: true });
    expect(await verdict(token, {})).toMatchObject({ allowed: true });
    expect(await verdict(token, { charge_id })).toMatchObject({ code: "budget_exhausted" });
    const other = (await service().issue({ caveats: ["uses <= 1"] })).token;
    expect(await verdict(other, { charge_id })).toMatchObject({ allowed: true });
    expect(await verdict(other, { charge_id, dry_run: true })).toMatchObject({
      allowed: true,
      repeated: true,
    });
  });

  test("a repeat is decided anew: after a revocation, and once the token is over, it is refused", async () => {
    const revoked = await service().issue({ caveats: ["uses <= 2"] });
    const short = await service().issue({ ttl: 60, caveats: ["uses <= 2"] });
    const [one, two] = [fresh(), fresh()];
    expect(await verdict(revoked.token, { charge_id: one })).toMatchObject({ allowed: true });
    expect(await verdict(short.token, { charge_id: two })).toMatchObject({ allowed: true });
    await service().revoke([{ token: revoked.token }]);
    await service().advance(2 * MINUTE);
    expect(await verdict(revoked.token, { charge_id: one })).toMatchObject({ code: "revoked" });
    expect(await verdict(short.token, { charge_id: two })).toMatchObject({ code: "expired" });
  });

  test("an id is a platform's own, and in a batch it counts as elsewhere", async () => {
    await service().createPlatform("shop");
    const { token } = await service().issue({ caveats: ["uses <= 5"] });
    const theirs = (await service().issue({ platform: "shop", caveats: ["uses <= 5"] })).token;
    const charge_id = fresh();
    const requests = [
      { token, context: {}, charge_id },
      { token, context: {}, charge_id },
      { token, context: { other: true }, charge_id },
    ];
    const answer = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    expect(answer.json<{ results: readonly object[] }>().results).toMatchObject([
      { allowed: true, budgets: [{ remaining: "4" }] },
      { allowed: true, repeated: true, budgets: [{ remaining: "4" }] },
      { status: 409, code: "charge_mismatch" },
    ]);
    const other = await service().verify(theirs, {}, { charge_id }, "shop");
    expect(other).toMatchObject({ allowed: true, budgets: [{ remaining: "4" }] });
    expect(other).not.toHaveProperty("repeated");
  });

  test("at once, it is charged once", async () => {
    const { token } = await service().issue({ caveats: ["uses <= 9"] });
    const charge_id = fresh();
    const verdicts = await Promise.all(Array.from({ length: 12 }, () => verdict(token, { charge_id })));
    expect(verdicts.filter((one) => one.allowed && one.repeated === undefined)).toHaveLength(1);
    expect(await left(token)).toEqual(["8"]);
  });

  test("it is forgotten after a day", async () => {
    const { token } = await service().issue({ ttl: 80_000, caveats: ["uses <= 9"] });
    const charge_id = fresh();
    await verdict(token, { charge_id });
    await service().advance(23 * 60 * MINUTE);
    expect(await service().issue({ caveats: ["uses <= 2"] })).toBeDefined();
    await service().maintenance.run();
    await service().advance(61 * MINUTE);
    const other = (await service().issue({ caveats: ["uses <= 2"] })).token;
    expect(await verdict(other, { charge_id })).toMatchObject({
      allowed: true,
      budgets: [{ remaining: "1" }],
    });
  });

  describe("reservations", () => {
    const path = (id: string, behind = "") => `/v1/reservations/${id}${behind}`;
    const settle = (id: string, cost: object, as = service().asPlatform()) =>
      service().send("POST", path(id, "/settle"), { cost }, as);
    const release = (id: string) =>
      service().request(path(id), { method: "DELETE", headers: service().asPlatform() });
    const stateOf = async (id: string) =>
      (await service().get(path(id), service().asPlatform())).json<Reservation>().state;

    async function reserve(cost: object, ...caveats: readonly string[]) {
      const { token } = await service().issue({ caveats });
      const answer = (await verdict(token, { reserve: 600, cost })) as Allowed;
      const { id = "", expires_at = "" } = answer.reservation ?? {};
      return { token, id, expires_at };
    }

    test("are charged whole, and give back what was not needed", async () => {
      const { token, id, expires_at } = await reserve(
        { EUR: "2.50", tokens: 1000 },
        "spend.EUR <= 10",
        "uses <= 5",
      );
      expect(await left(token)).toEqual(["7.5", "4"]);
      const now = await service().database.store.now();
      expect(Math.abs(Date.parse(expires_at) - now - 10 * MINUTE)).toBeLessThan(MINUTE);
      const open = (await service().get(path(id), service().asPlatform())).json();
      expect(open).toEqual({ id, state: "open", cost: { EUR: "2.5", tokens: "1000" }, expires_at });
      const settled = await settle(id, { EUR: 0.25, tokens: "10" });
      expect(settled.json()).toEqual({
        ...open,
        state: "settled",
        settled: { EUR: "0.25", tokens: "10" },
      });
      expect(await left(token)).toEqual(["9.75", "4"]);
      // The same again is answered the same; another is refused.
      expect((await settle(id, { EUR: "0.250", tokens: 10 })).json()).toEqual(settled.json());
      expect((await settle(id, { EUR: 0.2, tokens: 10 })).json()).toMatchObject({
        status: 409,
        code: "conflict",
      });
      expect((await release(id)).status).toBe(409);
      expect(await left(token)).toEqual(["9.75", "4"]);
    });

    test.each(["__proto__", "constructor"])(
      "of a unit that is called %s are told and settled",
      async (unit) => {
        const { token } = await service().issue({ caveats: [`spend.${unit} <= 10`] });
        const cost = `{"${unit}":4}`;
        const body = `{"token":"${token}","context":{},"reserve":60,"cost":${cost}}`;
        const answer = await service().send("POST", "/v1/verify", body, service().asPlatform());
        const id = answer.json<Allowed>().reservation?.id ?? "";
        const open = await service().get(path(id), service().asPlatform());
        expect(open.text).toContain(`"cost":{"${unit}":"4"}`);
        const text = `{"cost":{"${unit}":1}}`;
        const settled = await service().send("POST", path(id, "/settle"), text, service().asPlatform());
        expect(settled.text).toContain(`"settled":{"${unit}":"1"}`);
      },
    );

    test("are given back to every budget of the chain", async () => {
      const { token } = await service().issue({ caveats: ["spend.EUR <= 10"] });
      const child = narrow(token, "agent = a#1", "spend.EUR <= 3", "rate <= 9/m");
      const answer = (await verdict(child, { reserve: 600, cost: { EUR: 3 } })) as Allowed;
      expect(await left(child)).toEqual(["7", "0", "8"]);
      const id = answer.reservation?.id ?? "";
      const released = await release(id);
      expect(released.json()).toMatchObject({ state: "released", cost: { EUR: "3" } });
      expect((await release(id)).json()).toEqual(released.json());
      expect((await settle(id, { EUR: 0 })).status).toBe(409);
      expect(await left(child)).toEqual(["10", "3", "8"]);
    });

    test.each<[object]>([[{}], [{ EUR: 2.1 }], [{ USD: 1 }], [{ EUR: 1, USD: 0 }]])(
      "settled by %j is refused, and changes nothing",
      async (cost) => {
        const { token, id } = await reserve({ EUR: 2 }, "spend.EUR <= 10");
        expect((await settle(id, cost)).json()).toMatchObject({ status: 422, member: "cost" });
        expect([await stateOf(id), await left(token)]).toEqual(["open", ["8"]]);
        expect((await settle(id, { EUR: 2 })).status).toBe(200);
        expect(await left(token)).toEqual(["8"]);
      },
    );

    test("stay charged where nobody settles them in time, and are kept for a day", async () => {
      const { token, id } = await reserve({ EUR: 2 }, "spend.EUR <= 10");
      await service().advance(11 * MINUTE);
      expect(await stateOf(id)).toBe("expired");
      for (const answer of [await settle(id, { EUR: 1 }), await release(id)]) {
        expect(answer.json()).toMatchObject({
          status: 409,
          code: "conflict",
          detail: expect.stringContaining("stays charged"),
        });
      }
      expect(await left(token)).toEqual(["8"]);
      await service().maintenance.run();
      expect(await stateOf(id)).toBe("expired");
      await service().advance(25 * 60 * MINUTE);
      await service().maintenance.run();
      expect((await service().get(path(id), service().asPlatform())).status).toBe(404);
    });

    test("end with the token, are another platform's to nobody, and outlive a revocation", async () => {
      await service().createPlatform("market");
      const short = await service().issue({ ttl: 60, caveats: ["spend.EUR <= 10"] });
      const answer = (await verdict(short.token, { reserve: 86_400, cost: { EUR: 2 } })) as Allowed;
      expect(answer.reservation?.expires_at).toBe(answer.expires_at);
      const { token, id } = await reserve({ EUR: 2 }, "spend.EUR <= 10");
      for (const foreign of [
        await settle(id, { EUR: 1 }, service().asPlatform("market")),
        await service().get(path(id), service().asPlatform("market")),
        await service().get(path("019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081"), service().asPlatform()),
      ]) {
        expect(foreign.json()).toMatchObject({ status: 404, code: "not_found" });
      }
      await service().revoke([{ token }]);
      expect((await settle(id, { EUR: 1 })).json()).toMatchObject({ state: "settled" });
    });

    test("of a question that is asked again are the same, and a token without budgets has none", async () => {
      const { token } = await service().issue({ caveats: ["spend.EUR <= 10"] });
      const more = { charge_id: fresh(), reserve: 60, cost: { EUR: 2 } };
      const first = (await verdict(token, more)) as Allowed;
      const again = (await verdict(token, more)) as Allowed;
      expect(again).toMatchObject({ repeated: true, reservation: first.reservation });
      expect(await verdict(token, { ...more, charge_id: fresh(), dry_run: true })).not.toHaveProperty(
        "reservation",
      );
      const free = (await service().issue()).token;
      expect(await verdict(free, { ...more, charge_id: fresh() })).not.toHaveProperty("reservation");
    });

    test("and settling at once add up", async () => {
      const { token } = await service().issue({ caveats: ["spend.EUR <= 100"] });
      const ids = await Promise.all(
        Array.from({ length: 8 }, async () => {
          const answer = (await verdict(token, { reserve: 60, cost: { EUR: 5 } })) as Allowed;
          return answer.reservation?.id ?? "";
        }),
      );
      // Two say for each of them how much it was; one of the two is heard.
      const settled = await Promise.all(
        ids.flatMap((id) => [settle(id, { EUR: 1 }), settle(id, { EUR: 2 })]),
      );
      expect(settled.map(({ status }) => status).toSorted()).toEqual([
        ...Array(8).fill(200),
        ...Array(8).fill(409),
      ]);
      const needed = settled
        .filter(({ status }) => status === 200)
        .reduce((sum, answer) => sum + Number(answer.json<{ settled: { EUR: string } }>().settled.EUR), 0);
      expect(await left(token)).toEqual([String(100 - needed)]);
    });
  });

  test("a summary says what is left", async () => {
    const { token } = await service().issue({ caveats: ["spend.EUR <= 40.00", "uses <= 5"] });
    expect(((await verdict(token, { cost: { EUR: "27.50" } })) as Allowed).summary).toMatch(
      /, at most 40 EUR in all, 12\.5 left, at most 5 times in all, 4 left\.$/,
    );
  });
});

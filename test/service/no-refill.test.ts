/** Nothing gives back a use: whatever a holder makes of a token, whatever is swept, repeated or released. */
import { expect, test } from "vitest";

import { type Allowed, describeService, type Issued, type Refused } from "../support/service.ts";
import { bound, bundle, createThirdParty, narrow, tickets } from "../support/service-macaroons.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const third = createThirdParty();
const OFFERED = "agent = worker#1";

describeService("a use that is spent", (service) => {
  const ask = (token: string, more: object = {}) =>
    service().verify(token, {}, { cost: { EUR: 1 }, ...more }) as Promise<Allowed | Refused>;
  const release = async (id: string) =>
    (await service().request(`/v1/reservations/${id}`, { method: "DELETE", headers: service().asPlatform() }))
      .status;
  const settle = async (id: string, EUR: number) =>
    (await service().send("POST", `/v1/reservations/${id}/settle`, { cost: { EUR } }, service().asPlatform()))
      .status;
  const instant = async (inMilliseconds: number) =>
    new Date((await service().database.store.now()) + inMilliseconds).toISOString();
  let names = 0;

  /** An issued token, what its holder hands on below a budget of one use, and that budget spent by what it becomes. */
  async function spent(
    become: (token: string) => string | Promise<string> = (token) => token,
    more: object = {},
  ) {
    const root: Issued = await service().issue({ ttl: 4 * 3_600 });
    const parent = narrow(root.token, "agent = orchestrator#1");
    const token = narrow(parent, OFFERED, "uses <= 1");
    const answer = await ask(await become(token), more);
    expect(answer).toMatchObject({ allowed: true });
    expect((answer as Allowed).budgets[0]).toMatchObject({ caveat: "uses <= 1", remaining: "0" });
    return { root: root.token, parent, token, answer: answer as Allowed };
  }

  async function expectNoUse(...tokens: readonly (string | [string, object])[]): Promise<void> {
    for (const one of tokens) {
      const [token, more] = typeof one === "string" ? [one, {}] : one;
      expect(await ask(token, more)).toMatchObject({
        allowed: false,
        code: "budget_exhausted",
        failures: [{ caveat: "uses <= 1", agent: "worker#1", remaining: "0" }],
      });
    }
  }

  test("stays spent by a token that ends early, once that has ended and all was swept", async () => {
    const { token } = await spent(async (full) => narrow(full, `time < ${await instant(MINUTE)}`));
    await service().advance(2 * HOUR);
    await service().maintenance.run();
    await expectNoUse(token, narrow(token, `time < ${await instant(MINUTE)}`));
    await service().advance(HOUR);
    await service().maintenance.run();
    await expectNoUse(token);
  });

  test.each<[string, (token: string) => string | Promise<string>]>([
    ["a new name", (token) => narrow(token, "agent = another#2")],
    ["a larger budget", (token) => narrow(token, "uses <= 100")],
    ["the same budget once more, and a larger one", (token) => narrow(token, "uses <= 100", "uses <= 1")],
    ["a rate", (token) => narrow(token, "rate <= 100/s")],
    ["another end", async (token) => narrow(token, `time < ${await instant(HOUR)}`)],
    ["a beginning", async (token) => narrow(token, `time > ${await instant(-HOUR)}`)],
    ["standard base64", (token) => Buffer.from(token, "base64url").toString("base64")],
    [
      "a discharge of a third party of the holder's own, with a larger budget",
      (token) => {
        const asking = third.require(token, "c");
        const ticket = tickets(asking)[0] ?? "";
        return bundle(asking, bound(asking, third.discharge(ticket, OFFERED, "uses <= 100")));
      },
    ],
  ])("stays spent whatever its holder appends: %s", async (_, become) => {
    const { token } = await spent();
    const answer = (await ask(await become(token))) as Refused;
    expect(answer).toMatchObject({ code: "budget_exhausted" });
    expect(answer.failures[0]).toMatchObject({ caveat: "uses <= 1", agent: "worker#1", remaining: "0" });
    // Nor does it count for less where that is what was used.
    await expectNoUse((await spent(become)).token);
  });

  test("stays spent in a child that is minted again, and above in a sibling that has a counter of its own", async () => {
    const top = await spent();
    await expectNoUse(narrow(top.parent, OFFERED, "uses <= 1"));
    // A sibling below the budget, as large as its holder likes: it draws on what is above.
    await expectNoUse(narrow(top.token, "agent = sibling#1", "uses <= 50"));
    // What is written anew from above the budget is the same link, and so are those below it.
    const parent = narrow(top.parent, OFFERED, "uses <= 1", "agent = a#1", "uses <= 9");
    await expectNoUse(parent, narrow(parent, "agent = b#1"));
  });

  test("of a discharge stays spent, bound anew, tied otherwise or with another in front of it", async () => {
    const { token } = await service().issue({ ttl: 4 * 3_600 });
    const asking = third.require(token, "c");
    const ticket = tickets(asking)[0] ?? "";
    const discharge = third.discharge(ticket, OFFERED, "uses <= 1");
    expect(await ask(bundle(asking, bound(asking, discharge)))).toMatchObject({ allowed: true });
    const child = narrow(asking, "agent = b#2");
    const later = third.discharge(ticket, OFFERED, "uses <= 1", `time < ${await instant(HOUR)}`);
    await expectNoUse(bundle(child, bound(child, discharge)), bundle(asking, bound(asking, later)), [
      asking,
      { discharges: [bound(asking, discharge)] },
    ]);
    const root = third.require(narrow(token, "agent = x#1", OFFERED, "uses <= 1"), "c");
    const fresh = () =>
      bound(root, third.discharge(tickets(root)[0] ?? "", `agent = d#${++names}`, "uses <= 5"));
    expect(await ask(bundle(root, fresh()))).toMatchObject({ allowed: true });
    await expectNoUse(bundle(root, fresh()), bundle(root, fresh()));
  });

  test("stays spent under a charge_id, which repeats no more than the answer, and for a day", async () => {
    const charge_id = `no refill ${++names}`;
    const { token } = await spent(undefined, { charge_id });
    expect(await ask(token, { charge_id })).toMatchObject({ allowed: true, repeated: true });
    await expectNoUse(
      token,
      [token, { charge_id: `${charge_id}, another` }],
      [token, { charge_id: `${charge_id}, another` }],
      [token, { dry_run: true }],
    );
    const long = (await service().issue({ ttl: 80_000, caveats: ["uses <= 1"] })).token;
    const again = `no refill ${++names}`;
    expect(await ask(long, { charge_id: again })).toMatchObject({ allowed: true });
    await service().advance(22 * HOUR);
    await service().maintenance.run();
    expect(await ask(long, { charge_id: again })).toMatchObject({ allowed: true, repeated: true });
    expect(await ask(long)).toMatchObject({ code: "budget_exhausted" });
  });

  test("is no repeat after a revocation of any link above it, nor once the token is over", async () => {
    const charge_id = `no refill ${++names}`;
    const { parent, token } = await spent(undefined, { charge_id });
    await service().revoke([{ token: parent }]);
    expect(await ask(token, { charge_id })).toMatchObject({ allowed: false, code: "revoked" });
    const over = `no refill ${++names}`;
    const short = (await service().issue({ ttl: 60, caveats: ["uses <= 2"] })).token;
    expect(await ask(short, { charge_id: over })).toMatchObject({ allowed: true });
    await service().advance(2 * MINUTE);
    expect(await ask(short, { charge_id: over })).toMatchObject({ allowed: false, code: "expired" });
  });

  test("stays spent whatever becomes of its reservation", async () => {
    for (const end of [
      async (id: string) =>
        expect([await release(id), await release(id), await settle(id, 0)]).toEqual([200, 200, 409]),
      async (id: string) =>
        expect([await settle(id, 0), await settle(id, 0), await release(id)]).toEqual([200, 200, 409]),
      async (id: string) => {
        await service().advance(11 * MINUTE);
        expect([await release(id), await settle(id, 0)]).toEqual([409, 409]);
      },
    ]) {
      const charge_id = `no refill ${++names}`;
      const { token, answer } = await spent(undefined, { reserve: 600, charge_id });
      await end(answer.reservation?.id ?? "");
      await expectNoUse(token);
      // The same question is the same charge still: neither a second use nor a second reservation.
      expect(await ask(token, { reserve: 600, charge_id })).toMatchObject({
        repeated: true,
        reservation: { id: answer.reservation?.id },
        budgets: [{ remaining: "0" }],
      });
      await expectNoUse(token);
    }
  });
});

import { randomBytes } from "node:crypto";

import { beforeAll, describe, expect, test } from "vitest";

import { EACH_DATABASE } from "../support/database.ts";
import { atLength } from "../support/form.ts";
import { bearer, describeService, type Issued, type TestService } from "../support/service.ts";
import { bound, createThirdParty, linkOf, narrow, tickets } from "../support/service-macaroons.ts";
import { OWN_ISSUER } from "../support/service-people.ts";
import { until } from "../support/until.ts";

let subjects = 0;
/** A person whom no other test revokes. */
const someone = () => `person-${++subjects}`;

/** Before every token of these tests, and not before the oldest that could live. */
const LONG_AGO = new Date(Date.now() - 60 * 86_400_000).toISOString();

describeService("revoking by every target", (service) => {
  const allowed = async (token: string, platform = "default") =>
    (await service().verify(token, {}, {}, platform)).allowed;
  const revoke = (target: object, headers = service().asAdmin()) => service().revoke([target], headers);
  const send = (targets: readonly object[], headers = {}) =>
    service().send("POST", "/v1/revocations", { targets }, headers);

  beforeAll(async () => {
    await service().createPlatform("other");
  });

  describe("matches what it names, and nothing else", () => {
    test("a person, on every platform, by issuer and subject", async () => {
      const [who, another] = [someone(), someone()];
      const here = await service().issue({}, who);
      const there = await service().issue({ platform: "other" }, who);
      const foreign = await service().issue({}, another);
      await revoke({ principal: { issuer: OWN_ISSUER, subject: who } });
      expect(await allowed(narrow(here.token, "agent = a"))).toBe(false);
      expect(await allowed(there.token, "other")).toBe(false);
      expect(await allowed(foreign.token)).toBe(true);
      expect(await allowed((await service().issue({}, who)).token)).toBe(true);
    });

    test("an issuer that is left out is the service's own, and another one's person is another person", async () => {
      const who = someone();
      const { token } = await service().issue({}, who);
      await revoke({ principal: { issuer: "https://elsewhere.test", subject: who } });
      expect(await allowed(token)).toBe(true);
      await revoke({ principal: { subject: who } });
      expect(await allowed(token)).toBe(false);
    });

    test("a principal of one platform, by id", async () => {
      const who = someone();
      const here = await service().issue({}, who);
      const there = await service().issue({ platform: "other" }, who);
      await revoke({ principal: { id: here.principal.id } });
      expect(await allowed(here.token)).toBe(false);
      expect(await allowed(there.token, "other")).toBe(true);
    });

    test.each([
      { target: "a", chain: ["a"], dies: true },
      { target: "a", chain: ["a#1"], dies: true },
      { target: "a", chain: ["x", "a#9", "y"], dies: true },
      { target: "a#1", chain: ["a#1", "b"], dies: true },
      { target: "a#1", chain: ["a"], dies: false },
      { target: "a#1", chain: ["a#2"], dies: false },
      { target: "a", chain: ["ab"], dies: false },
      { target: "a", chain: [], dies: false },
    ])("agent $target and a chain through $chain: dies $dies", async ({ target, chain, dies }) => {
      const { token } = await service().issue({}, someone());
      const unique = (agent: string) => `n${subjects}.${agent}`;
      const child = narrow(token, ...chain.map((agent) => `agent = ${unique(agent)}`), "action = read");
      await revoke({ agent: unique(target) });
      const verdict = await service().verify(child, { action: "read" });
      expect(verdict.allowed).toBe(!dies);
      if (!verdict.allowed) expect(verdict.code).toBe("revoked");
      expect(await allowed(token)).toBe(true);
    });

    test("an agent within one tree only", async () => {
      const [one, two] = [await service().issue(), await service().issue()];
      await revoke({ agent: "in-tree", token_id: one.token_id });
      expect(await allowed(narrow(one.token, "agent = in-tree#7"))).toBe(false);
      expect(await allowed(narrow(two.token, "agent = in-tree#7"))).toBe(true);
    });

    test("an agent on a discharge's chain, and a discharge's link", async () => {
      const third = createThirdParty();
      const issued = await service().issue();
      const token = third.require(issued.token, "ok");
      const [ticket = ""] = tickets(token);
      const through = third.discharge(ticket, "agent = in-discharge");
      const plain = third.discharge(ticket);
      const verify = (discharge: string) =>
        service().verify(token, {}, { discharges: [bound(token, discharge)] });
      expect((await verify(through)).allowed).toBe(true);
      await revoke({ agent: "in-discharge" });
      expect(await verify(through)).toMatchObject({ allowed: false, code: "revoked" });
      expect((await verify(plain)).allowed).toBe(true);
    });

    test("a text that is no agent's name makes no agent of a caveat that is none", async () => {
      const { token } = await service().issue();
      for (const agent of ["a b", "", "a#", "#1", "a#b#c", "ä", "a".repeat(129), "a\n"]) {
        expect((await send([{ agent }], service().asAdmin())).status).toBe(400);
      }
      expect(await allowed(token)).toBe(true);
    });

    test("a whole platform", async () => {
      await service().createPlatform("doomed");
      const doomed = await service().issue({ platform: "doomed" }, someone());
      const safe = await service().issue({}, someone());
      await revoke({ platform: "doomed" });
      expect(await allowed(doomed.token, "doomed")).toBe(false);
      expect(await allowed(safe.token)).toBe(true);
      const next = await service().issue({ platform: "doomed" }, someone());
      expect(await allowed(next.token, "doomed")).toBe(true);
    });
  });

  describe("a root key", () => {
    test("that signs is replaced at once, and everything under it dies", async () => {
      await service().createPlatform("keyed");
      const before = await service().issue({ platform: "keyed" });
      const { key_id } = (await service().verify(before.token, {}, {}, "keyed")) as { key_id: string };
      const answer = await revoke({ key_id }, service().asPlatform("keyed"));
      expect(answer.revocations[0]).toMatchObject({ target: { key_id }, scope: "platform" });
      expect(await service().verify(before.token, {}, {}, "keyed")).toMatchObject({ code: "revoked" });

      const after = await service().issue({ platform: "keyed" });
      const verdict = await service().verify(after.token, {}, {}, "keyed");
      expect(verdict).toMatchObject({ allowed: true });
      expect(verdict).not.toMatchObject({ key_id });
      // Again is the same entry, and makes no further key.
      expect(await revoke({ key_id }, service().asPlatform("keyed"))).toEqual(answer);
      const keys = await service().get("/v1/keys?platform=keyed", service().asAdmin());
      const { items } = keys.json<{ items: { key_id: string; state: string }[] }>();
      expect(items.map(({ state }) => state)).toEqual(["active", "retired"]);
    });

    test("that waits to sign is replaced by one that waits", async () => {
      await service().createPlatform("waiting");
      const pending = await service().send("POST", "/v1/keys/rotate", {}, service().asPlatform("waiting"));
      const { key_id } = pending.json<{ key_id: string }>();
      await revoke({ key_id }, service().asPlatform("waiting"));
      const { token } = await service().issue({ platform: "waiting" });
      expect(await allowed(token, "waiting")).toBe(true);
      await service().advance(20_000);
      const later = await service().issue({ platform: "waiting" });
      const verdict = await service().verify(later.token, {}, {}, "waiting");
      expect(verdict).toMatchObject({ allowed: true });
      expect(verdict).not.toMatchObject({ key_id });
      expect(await allowed(token, "waiting")).toBe(true);
    });

    test("of the service itself takes every credential, and a new one can be had", async () => {
      const keys = await service().get("/v1/keys?platform=bakehouse", service().asAdmin());
      const [key] = keys.json<{ items: { key_id: string }[] }>().items;
      const admin = service().asHuman({ subject: "root", groups: ["admins"] });
      const old = service().asPlatform("default");
      await revoke({ key_id: key?.key_id }, admin);
      expect((await service().get("/v1/keys", old)).status).toBe(401);
      const made = await service().send("POST", "/v1/platforms/default/credentials", {}, admin);
      expect(made.status).toBe(201);
      expect((await service().get("/v1/keys", bearer(made.json<Issued>().token))).status).toBe(200);
    });
  });
});

describeService(
  "revoking: instants",
  (service) => {
    const allowed = async (token: string) => (await service().verify(token)).allowed;
    const admin = () => service().asAdmin();
    /** Waits until the database's clock shows a later millisecond. */
    const past = (instant: number) => until(async () => (await service().database.store.now()) > instant);

    test("issued_before is exclusive, to the millisecond, and rounds up what is finer", async () => {
      const who = someone();
      const { token, issued_at } = await service().issue({}, who);
      const principal = { subject: who };
      await service().revoke([{ principal, issued_before: issued_at }], admin());
      expect(await allowed(token)).toBe(true);
      const finer = `${issued_at.slice(0, -1)}0001Z`;
      const answer = await service().revoke([{ principal, issued_before: finer }], admin());
      expect(await allowed(token)).toBe(false);
      const next = new Date(Date.parse(issued_at) + 1).toISOString();
      expect(answer.revocations[0]?.target).toMatchObject({ issued_before: next });
    });

    test.each(["issued_before", "no issued_before"])(
      "a later instant widens an earlier one: %s",
      async (how) => {
        const who = someone();
        const principal = { subject: who };
        const first = await service().issue({}, who);
        await service().revoke([{ principal, issued_before: LONG_AGO }], admin());
        expect(await allowed(first.token)).toBe(true);
        await past(Date.parse(first.issued_at));
        const at =
          how === "issued_before"
            ? { issued_before: new Date(await service().database.store.now()).toISOString() }
            : {};
        await service().revoke([{ principal, ...at }], admin());
        await service().revoke([{ principal, issued_before: LONG_AGO }], admin());
        expect(await allowed(first.token)).toBe(false);
      },
    );

    test("what lies in the future is refused, and nothing is revoked", async () => {
      const who = someone();
      const { token, token_id } = await service().issue({}, who);
      const future = new Date((await service().database.store.now()) + 60_000).toISOString();
      const targets = [{ token_id }, { principal: { subject: who }, issued_before: future }];
      const answer = await service().send("POST", "/v1/revocations", { targets }, admin());
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ code: "invalid_request", member: "targets[1].issued_before" });
      expect(await allowed(token)).toBe(true);
    });

    test.each(["0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z"])(
      "%s lies too far back to match anything, and disturbs nobody who revokes at the same time",
      async (issued_before) => {
        const { token } = await service().issue();
        const before = Array.from({ length: 3 }, () =>
          service().send("POST", "/v1/revocations", { targets: [{ agent: "q", issued_before }] }, admin()),
        );
        await service().revoke([{ token }]);
        for (const answer of await Promise.all(before)) {
          expect(answer.status).toBe(422);
          expect(answer.json()).toMatchObject({
            code: "unprocessable",
            member: "targets[0].issued_before",
          });
        }
        expect(await allowed(token)).toBe(false);
      },
    );

    // A hundred tokens each, so that many share the millisecond of the revocation.
    test("every token that was acknowledged before a revocation was asked for dies, of the same millisecond too", async () => {
      for (let round = 0; round < 4; round++) {
        const who = someone();
        const tokens = await Promise.all(Array.from({ length: 25 }, () => service().issue({}, who)));
        await service().revoke([{ principal: { subject: who } }], service().asHuman(who));
        for (const { token } of tokens) expect(await allowed(token)).toBe(false);
      }
    });

    test("an issue under way during a revocation is either before it or after it", async () => {
      const who = someone();
      const issuing = Array.from({ length: 10 }, () => service().issue({}, who));
      const revoking = service().revoke([{ principal: { subject: who } }], admin());
      const [revoked, ...issued] = await Promise.all([revoking, ...issuing]);
      const { issued_before: until = "" } = (revoked.revocations[0]?.target ?? {}) as {
        issued_before?: string;
      };
      expect(until).not.toBe("");
      for (const { token, issued_at } of issued) expect(await allowed(token)).toBe(issued_at >= until);
    });

    test("the same target with the same instant is the first entry again; without one, each call is a new instant", async () => {
      const principal = { subject: someone() };
      const target = { principal, issued_before: "2026-11-01T00:00:00Z" };
      const first = await service().revoke([target], admin());
      expect(await service().revoke([target, target], admin())).toMatchObject({
        revocations: [first.revocations[0], first.revocations[0]],
        sequence: first.sequence,
      });
      const now = await service().revoke([{ principal }], admin());
      await past(await service().database.store.now());
      const later = await service().revoke([{ principal }], admin());
      expect(later.revocations[0]?.id).not.toBe(now.revocations[0]?.id);
      const same = await service().revoke([now.revocations[0]?.target ?? {}], admin());
      expect(same.revocations[0]?.id).toBe(now.revocations[0]?.id);
    });

    test("what was acknowledged dies also where the database's clock was set back in between", async () => {
      const who = someone();
      service().database.shift(3_600_000);
      const { token } = await service().issue({ ttl: 7_200 }, who);
      service().database.shift(-3_600_000);
      await service().revoke([{ principal: { subject: who } }], admin());
      expect(await allowed(token)).toBe(false);
    });
  }, // The database's clock is set back alone.
  { clockTolerance: Number.POSITIVE_INFINITY },
);

describeService("revoking: who may name what", (service) => {
  const status = async (target: object, headers: Readonly<Record<string, string>>) => {
    const answer = await service().send("POST", "/v1/revocations", { targets: [target] }, headers);
    return `${answer.status} ${answer.status === 200 ? "" : answer.json<{ code: string }>().code}`.trim();
  };
  let alice: Issued;
  let bob: Issued;
  let keys: readonly { key_id: string; platform: string }[];
  beforeAll(async () => {
    await service().createPlatform("other");
    alice = await service().issue({}, "alice");
    bob = await service().issue({ platform: "other" }, "bob");
    const answer = await service().get("/v1/keys", service().asAdmin());
    keys = answer.json<{ items: typeof keys }>().items;
  });
  const keyOf = (platform: string) => keys.find((key) => key.platform === platform)?.key_id;

  const cases: readonly {
    readonly name: string;
    readonly target: () => object;
    readonly holder: string;
    readonly alice: string;
    readonly platform: string;
    readonly admin: string;
  }[] = [
    {
      name: "a link of bob's",
      target: () => ({ revocation_id: linkOf(bob.token) }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "200", admin: "200" },
    },
    {
      name: "bob's tree",
      target: () => ({ token_id: bob.token_id }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "200", admin: "200" },
    },
    {
      name: "an agent",
      target: () => ({ agent: "researcher" }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "200", admin: "200" },
    },
    {
      name: "alice, by who she is",
      target: () => ({ principal: { subject: "alice" }, issued_before: LONG_AGO }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "200", admin: "200" },
    },
    {
      name: "bob, by who he is",
      target: () => ({ principal: { subject: "bob" }, issued_before: LONG_AGO }),
      ...{ holder: "401 unauthenticated", alice: "403 forbidden", platform: "200", admin: "200" },
    },
    {
      name: "alice's principal on default",
      target: () => ({ principal: { id: alice.principal.id }, issued_before: LONG_AGO }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "200", admin: "200" },
    },
    {
      name: "bob's principal on other",
      target: () => ({ principal: { id: bob.principal.id }, issued_before: LONG_AGO }),
      ...{ holder: "401 unauthenticated", alice: "404 not_found", platform: "404 not_found", admin: "200" },
    },
    {
      name: "a principal that nobody has",
      target: () => ({ principal: { id: "AAAAAAAAAAAAAAAA" } }),
      ...{
        holder: "401 unauthenticated",
        alice: "404 not_found",
        platform: "404 not_found",
        admin: "404 not_found",
      },
    },
    {
      name: "the platform default",
      target: () => ({ platform: "default", issued_before: LONG_AGO }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "200", admin: "200" },
    },
    {
      name: "the platform other",
      target: () => ({ platform: "other", issued_before: LONG_AGO }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "404 not_found", admin: "200" },
    },
    {
      name: "a platform that is not there",
      target: () => ({ platform: "nowhere" }),
      ...{ holder: "401 unauthenticated", alice: "200", platform: "404 not_found", admin: "404 not_found" },
    },
    {
      name: "a key of other",
      target: () => ({ key_id: keyOf("other") }),
      ...{ holder: "401 unauthenticated", alice: "403 forbidden", platform: "404 not_found", admin: "200" },
    },
    {
      name: "a key of default",
      target: () => ({ key_id: keyOf("default") }),
      ...{ holder: "401 unauthenticated", alice: "403 forbidden", platform: "200", admin: "200" },
    },
    {
      name: "a key that is not there",
      target: () => ({ key_id: "AAAAAAAAAAAAAAAA" }),
      ...{
        holder: "401 unauthenticated",
        alice: "403 forbidden",
        platform: "404 not_found",
        admin: "404 not_found",
      },
    },
  ];

  test.each(cases)("$name: alice $alice, platform $platform, administrator $admin", async (one) => {
    expect(await status(one.target(), {})).toBe(one.holder);
    expect(await status(one.target(), service().asHuman("alice"))).toBe(one.alice);
    expect(await status(one.target(), service().asPlatform())).toBe(one.platform);
    expect(await status(one.target(), service().asAdmin())).toBe(one.admin);
  });
});

describeService("revoking: an entry matches within its author's scope only", (service) => {
  const reach = async (
    test: TestService,
    target: object,
    by: Readonly<Record<string, string>>,
    token: string,
  ) => {
    await test.revoke([target], by);
    return (await test.verify(token, {}, {}, "other")).allowed;
  };
  beforeAll(async () => {
    await service().createPlatform("other");
  });

  test.each(["revocation_id", "token_id", "agent", "principal"])(
    "another platform's and another person's %s is out of reach",
    async (kind) => {
      const who = someone();
      const { token, token_id } = await service().issue({ platform: "other" }, who);
      const child = narrow(token, `agent = ${who}`);
      const target = {
        revocation_id: { revocation_id: linkOf(child) },
        token_id: { token_id },
        agent: { agent: who },
        principal: { principal: { subject: who } },
      }[kind];
      if (target === undefined) throw new Error("no such target");
      expect(await reach(service(), target, service().asPlatform("default"), child)).toBe(true);
      if (kind !== "principal") {
        expect(await reach(service(), target, service().asHuman(someone()), child)).toBe(true);
      }
      expect(await reach(service(), target, service().asPlatform("other"), child)).toBe(false);
    },
  );

  test("a person's own entries reach their own tokens on every platform, and nobody else's", async () => {
    const [who, another] = [someone(), someone()];
    const mine = await service().issue({ platform: "other" }, who);
    const yours = await service().issue({ platform: "other" }, another);
    await service().revoke([{ platform: "other" }, { agent: "shared" }], service().asHuman(who));
    expect((await service().verify(mine.token, {}, {}, "other")).allowed).toBe(false);
    expect((await service().verify(narrow(yours.token, "agent = shared"), {}, {}, "other")).allowed).toBe(
      true,
    );
  });

  test("a holder learns of an administrator's entry only that it has killed the link", async () => {
    const who = someone();
    const { token } = await service().issue({}, who);
    const body = { targets: [{ principal: { subject: who } }], reason: "under investigation" };
    const made = await service().send("POST", "/v1/revocations", body, service().asAdmin());
    const [entry] = made.json<{ revocations: { id: string }[] }>().revocations;
    const answer = await service().revoke([{ token }]);
    expect(answer.revocations).toEqual([
      expect.objectContaining({ id: entry?.id, target: { revocation_id: linkOf(token) }, scope: "link" }),
    ]);
    expect(JSON.stringify(answer)).not.toContain(who);
    expect(JSON.stringify(answer)).not.toContain("investigation");
  });
});

atLength(() => {
  describeService(
    "revoking: very many targets",
    (service) => {
      const allowed = async (token: string) => (await service().verify(token)).allowed;
      const admin = () => service().asAdmin();

      test("ten thousand targets are one transaction with consecutive sequences, or nothing", async () => {
        const { token, token_id } = await service().issue();
        const ids = Array.from({ length: 9_998 }, () => randomBytes(16).toString("base64url"));
        const targets = [...ids.map((revocation_id) => ({ revocation_id })), { agent: "bulk" }, { token_id }];
        const foreign = [...targets.slice(1), { principal: { id: "nobody" } }];
        expect((await service().send("POST", "/v1/revocations", { targets: foreign }, admin())).status).toBe(
          404,
        );
        expect(await allowed(token)).toBe(true);
        const { revocations, sequence } = await service().revoke(targets, admin());
        const numbers = revocations.map((entry) => Number(entry.sequence.split("-").at(-1)));
        expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
        expect(revocations.at(-1)?.sequence).toBe(sequence);
        expect(await allowed(token)).toBe(false);
      });

      test("a person may fill the log no faster than a person needs to, and nobody else is held up by it", async () => {
        const who = service().asHuman(someone());
        const targets = Array.from({ length: 9_990 }, () => ({
          revocation_id: randomBytes(16).toString("base64url"),
        }));
        await service().revoke(targets, who);
        const more = await service().send("POST", "/v1/revocations", { targets: targets.slice(0, 500) }, who);
        expect(more.status).toBe(429);
        await service().revoke(targets.slice(0, 500), service().asHuman(someone()));
        await service().revoke(targets.slice(0, 500), service().asPlatform());
      });
    },
    { kinds: EACH_DATABASE },
  );
});

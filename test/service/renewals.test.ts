/** A token renews another one for as long as policy has a session, and never what was revoked. */
import { expect, test } from "vitest";

import type { Steps } from "../../src/domain/ports/steps.ts";
import { describeService, type Issued, type Policy, type Problem } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;

type Renewed = Issued & { readonly predecessor: string };

/** Holds up the next issue between minting and recording. */
function createGate() {
  let meanwhile: (() => Promise<unknown>) | undefined;
  const steps: Steps = {
    async passed(step) {
      if (step !== "issue:minted" || meanwhile === undefined) return;
      const work = meanwhile;
      meanwhile = undefined;
      await work();
    },
  };
  return {
    steps,
    next(work: () => Promise<unknown>) {
      meanwhile = work;
    },
  };
}

const gate = createGate();
const SESSION: Policy = { rules: [{ max_ttl: WEEK, session: WEEK, on_behalf_of: true }] };

describeService(
  "renewing a token",
  (service) => {
    let platforms = 0;
    /** A platform of its own, with a policy. */
    async function made(policy: Policy = SESSION): Promise<string> {
      const name = `lines-${++platforms}`;
      await service().createPlatform(name, policy);
      return name;
    }
    const setPolicy = async (name: string, policy: Policy) => {
      const headers = { ...service().asAdmin(), "if-match": "*" };
      expect((await service().send("PUT", `/v1/platforms/${name}/policy`, policy, headers)).status).toBe(200);
    };
    const renew = (root: Pick<Issued, "token" | "token_id">, more: object = {}, headers: object = {}) =>
      service().send(
        "POST",
        `/v1/tokens/${root.token_id}/renew`,
        { token: root.token, ...more },
        { ...headers },
      );
    async function renewed(root: Pick<Issued, "token" | "token_id">, more: object = {}): Promise<Renewed> {
      const answer = await renew(root, more);
      expect(answer.status, answer.text).toBe(201);
      return answer.json<Renewed>();
    }
    const allowed = async (platform: string, token: string) =>
      (await service().verify(token, { action: "read" }, {}, platform)).allowed;

    test("gives its holder another one, for the same principal and with the same caveats", async () => {
      const platform = await made();
      const root = await service().issue({ platform, label: "nightly", caveats: ["action in read, list"] });
      const child = narrow(root.token, "agent = child", "action = read");
      const next = await renewed(root, { ttl: 2 * HOUR, caveats: ["action = read"] });
      expect(next.token_id).not.toBe(root.token_id);
      expect(next).toMatchObject({
        predecessor: root.token_id,
        platform,
        principal: root.principal,
        caveats: [expect.stringMatching(/^time < /), "action in read, list", "action = read"],
      });
      expect(Date.parse(next.expires_at) - Date.parse(next.issued_at)).toBe(2 * HOUR * 1000);
      for (const token of [root.token, child, next.token]) expect(await allowed(platform, token)).toBe(true);
      const last = await renewed(next);
      expect(last.caveats.slice(1)).toEqual(["action in read, list", "action = read"]);

      const record = await service().get(`/v1/tokens/${next.token_id}`, service().asPlatform(platform));
      expect(record.json()).toMatchObject({
        predecessor: root.token_id,
        label: "nightly",
        renewable_until: new Date(Date.parse(root.issued_at) + WEEK * 1000).toISOString(),
      });
      const events = await service().get("/v1/audit?action=token.renewed", service().asPlatform(platform));
      expect(events.json()).toMatchObject({
        items: [
          { actor: { kind: "holder", token_id: next.token_id }, details: { token_id: last.token_id } },
          {
            actor: { kind: "holder", token_id: root.token_id },
            details: { token_id: next.token_id, predecessor: root.token_id, line: root.token_id },
          },
        ],
      });
    });

    test("takes the very token as it was issued, and nothing else", async () => {
      const platform = await made();
      const root = await service().issue({ platform });
      const other = await service().issue({ platform });
      const credential = service().asPlatform(platform)["authorization"]?.slice("Bearer ".length) ?? "";
      const wrong: readonly [string, string][] = [
        [root.token_id, narrow(root.token, "action = read")],
        [root.token_id, narrow(root.token, "agent = child")],
        [root.token_id, other.token],
        [other.token_id, root.token],
        [root.token_id, credential],
        [root.token_id, "x"],
        [root.token_id, root.token + other.token],
        [root.token_id, `${root.token.slice(0, -4)}AAAA`],
        ["019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081", root.token],
      ];
      for (const [token_id, token] of wrong) {
        const answer = await renew({ token_id, token });
        expect(answer.status, `${token_id} ${token.slice(0, 20)}`).toBe(404);
        expect(answer.text).not.toContain(token.slice(0, 40));
      }
      // With a credential it is no other answer.
      const child = { token_id: root.token_id, token: narrow(root.token, "action = read") };
      expect((await renew(child, {}, service().asAdmin())).status).toBe(404);
    });

    test("is up to policy, asked anew by what the issuer said at the beginning", async () => {
      const rule = { groups: ["night"], max_ttl: DAY, session: WEEK, caveats: ["action in read, list"] };
      const platform = await made({ rules: [rule] });
      const alice = { subject: "alice", groups: ["night"] };
      const root = await service().issue({ platform }, alice);
      expect((await renewed(root)).caveats.slice(1)).toEqual(rule.caveats);
      await setPolicy(platform, { rules: [{ ...rule, caveats: ["action = read"] }] });
      expect((await renewed(root)).caveats.slice(1)).toEqual(["action = read", "action in read, list"]);
      expect((await renew(root, { ttl: DAY + 1 })).json<Problem>().code).toBe("ttl_too_long");
      for (const rules of [
        [],
        [{ ...rule, groups: ["day"] }],
        [{ ...rule, session: undefined }],
        [{ ...rule, subjects: ["bob"] }],
        [{ max_ttl: DAY }, rule],
      ]) {
        await setPolicy(platform, { rules });
        expect((await renew(root)).status, JSON.stringify(rules)).toBe(403);
      }
      await setPolicy(platform, { rules: [rule] });
      await renewed(root);
    });

    test("needs a session when the first is issued", async () => {
      const platform = await made({ rules: [{ max_ttl: DAY }] });
      const root = await service().issue({ platform });
      expect((await renew(root)).status).toBe(403);
      await setPolicy(platform, SESSION);
      expect((await renew(root)).status).toBe(403);
      const record = await service().get(`/v1/tokens/${root.token_id}`, service().asPlatform(platform));
      expect(record.json()).not.toHaveProperty("renewable_until");
    });

    test("by a platform's word stays under the rules for that", async () => {
      const platform = await made();
      const body = { platform, on_behalf_of: { subject: "carol" } };
      const answer = await service().send("POST", "/v1/tokens", body, service().asPlatform(platform));
      const root = answer.json<Issued>();
      expect((await renewed(root)).principal).toEqual({ ...root.principal, asserted_by: "platform" });
      await setPolicy(platform, { rules: [{ max_ttl: WEEK, session: WEEK }] });
      expect((await renew(root)).status).toBe(403);
    });

    test("is refused for what its successor would have anew", async () => {
      const platform = await made();
      for (const caveat of ["uses <= 3", "spend.EUR <= 10", "rate <= 5/m"]) {
        const root = await service().issue({ platform, caveats: [caveat] });
        const answer = await renew(root);
        expect(answer.status, caveat).toBe(422);
        expect(answer.json<Problem>().detail).toContain("budget");
      }
      const ticket = [{ location: "http://127.0.0.1:8080", condition: "is-authenticated-user" }];
      const root = await service().issue({ platform, third_party_caveats: ticket });
      expect((await renew(root)).status).toBe(422);
    });

    test("answers a repeat under its key the same, and issues once", async () => {
      const platform = await made();
      const root = await service().issue({ platform });
      const key = { "idempotency-key": "renew-1" };
      const answers = await Promise.all([renew(root, {}, key), renew(root, {}, key)]);
      const first = answers.find(({ status }) => status === 201)?.json<Renewed>();
      expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
      const again = await renew(root, {}, key);
      expect(again.json()).toEqual(first);
      expect((await renew(root, { ttl: 60 }, key)).json<Problem>().code).toBe("idempotency_mismatch");
      // Another token's holder has other keys.
      const other = await service().issue({ platform });
      expect((await renewed(other)).predecessor).toBe(other.token_id);
      expect((await renew(other, {}, key)).json<Renewed>().token_id).not.toBe(first?.token_id);
    });

    const targets: readonly (readonly [
      string,
      (root: Issued, platform: string) => object,
      "admin" | "platform" | "alice",
    ])[] = [
      ["the person, by an administrator", () => ({ principal: { subject: "alice" } }), "admin"],
      ["the person, by the platform", () => ({ principal: { subject: "alice" } }), "platform"],
      ["themselves", () => ({ principal: { subject: "alice" } }), "alice"],
      ["the principal", (root) => ({ principal: { id: root.principal.id } }), "platform"],
      ["the platform", (_, platform) => ({ platform }), "admin"],
      ["the token", (root) => ({ token_id: root.token_id }), "platform"],
      ["its link", (root) => ({ revocation_id: root.revocation_id }), "alice"],
      ["its possession", (root) => ({ token: root.token }), "platform"],
      ["its agent", () => ({ agent: "night-shift" }), "platform"],
      ["its agent, in its tree", (root) => ({ agent: "night-shift#1", token_id: root.token_id }), "alice"],
    ];
    for (const [name, target, who] of targets) {
      test(`is refused once revoked: ${name}; also where both happen at once`, async () => {
        const platform = await made();
        const by = () =>
          who === "admin"
            ? service().asAdmin()
            : who === "alice"
              ? service().asHuman("alice")
              : service().asPlatform(platform);
        const first = await service().issue({ platform, caveats: ["agent = night-shift#1"] });
        await service().revoke([target(first, platform)], by());
        const refused = await renew(first);
        expect([401, 404], refused.text).toContain(refused.status);

        // An issue of now is later than a fence of then.
        await new Promise((resolve) => setTimeout(resolve, 5));
        const second = await service().issue({ platform, caveats: ["agent = night-shift#1"] });
        gate.next(() => service().revoke([target(second, platform)], by()));
        const between = await renew(second);
        expect(between.status, between.text).toBe(401);
        const list = await service().get(`/v1/tokens?platform=${platform}`, service().asPlatform(platform));
        expect(list.json<{ items: readonly unknown[] }>().items).toHaveLength(2);
      });
    }

    test("is refused once the person is revoked up to a moment before the token, after their login", async () => {
      const platform = await made();
      const spoke = Date.now() - 60_000;
      const root = await service().issue({ platform }, { subject: "dora", issuedAt: spoke });
      const target = { principal: { subject: "dora" }, issued_before: new Date(spoke + 1_000).toISOString() };
      await service().revoke([target], service().asAdmin());
      // The token itself is younger.
      expect(await allowed(platform, root.token)).toBe(true);
      const answer = await renew(root);
      expect(answer.status).toBe(401);
      expect(answer.json<Problem>().detail).toContain("log in again");
    });

    test("with successors a token goes with all that renewed it, and nothing else does", async () => {
      const platform = await made();
      const [root, beside] = [await service().issue({ platform }), await service().issue({ platform })];
      const [left, right] = [await renewed(root), await renewed(root)];
      const below = await renewed(left);
      const child = narrow(below.token, "agent = child");
      const state = async () =>
        Promise.all(
          [root, left, right, below, beside, { token: child }].map(({ token }) => allowed(platform, token)),
        );
      const revoke = (targets: readonly object[], headers = service().asPlatform(platform)) =>
        service().revoke(targets, headers);

      // Neither a foreign platform's nor a foreign person's word does anything, or tells anything.
      const foreign = await made();
      for (const headers of [service().asPlatform(foreign), service().asHuman("mallory")]) {
        const { revocations } = await revoke([{ token_id: root.token_id, successors: true }], headers);
        expect(revocations).toHaveLength(1);
      }
      const seen = await service().get("/v1/revocations", service().asPlatform(foreign));
      expect(seen.text).not.toContain(left.token_id);
      expect(await state()).toEqual([true, true, true, true, true, true]);

      const preview = await service().send(
        "POST",
        "/v1/revocations",
        { targets: [{ token_id: left.token_id, successors: true }], dry_run: true },
        service().asPlatform(platform),
      );
      expect(preview.json()).toMatchObject({ would_stop: { tokens: 2 } });
      const { revocations } = await revoke([{ token_id: left.token_id, successors: true }]);
      expect(revocations.map(({ target }) => target)).toEqual([
        { token_id: left.token_id, successors: true },
      ]);
      expect(await state()).toEqual([true, false, true, false, true, false]);
      expect((await renew(below)).status).toBe(404);
      await renewed(right);
      await revoke([{ token_id: root.token_id }]);
      expect(await state()).toEqual([false, false, true, false, true, false]);
      await revoke([{ token_id: root.token_id, successors: true }], service().asHuman("alice"));
      expect(await state()).toEqual([false, false, false, false, true, false]);
    });

    test("with successors at once with renewals leaves none that lives", async () => {
      const platform = await made();
      for (let round = 0; round < 8; round++) {
        const root = await service().issue({ platform });
        const [first] = [await renewed(root)];
        const target = { token_id: root.token_id, successors: true };
        const works = [
          renew(root),
          renew(first),
          service().revoke([target], service().asPlatform(platform)),
          renew(root),
          renew(first),
        ] as const;
        const answers = await Promise.all(works);
        const tokens = answers.flatMap((one) =>
          "status" in one && one.status === 201 ? [one.json<Renewed>().token] : [],
        );
        for (const token of [root.token, first.token, ...tokens])
          expect(await allowed(platform, token)).toBe(false);
      }
    });

    test("ends with the session, counted from the first, for every token of the line", async () => {
      const platform = await made({ rules: [{ max_ttl: 30 * DAY, session: 2 * DAY }] });
      const root = await service().issue({ platform, ttl: 30 * DAY });
      const end = Date.parse(root.issued_at) + 2 * DAY * 1000;
      const first = await renewed(root, { ttl: DAY });
      expect((await renew(root, { ttl: 2 * DAY + 1 })).json<Problem>().code).toBe("ttl_too_long");
      await service().advance((2 * DAY - HOUR / 2) * 1000);
      expect((await renew(first)).status).toBe(404);
      const last = await renewed(root);
      expect(Date.parse(last.expires_at)).toBeLessThanOrEqual(end);
      expect(Date.parse(last.expires_at)).toBeGreaterThan(end - 60_000);
      expect((await renew(root, { ttl: HOUR })).json<Problem>().code).toBe("ttl_too_long");
      await service().advance((HOUR / 2) * 1000);
      expect(await allowed(platform, root.token)).toBe(true);
      expect((await renew(root)).status).toBe(403);
      await service().maintenance.run();
      expect(service().reports).toEqual([]);
      expect((await renew(root)).status).toBe(403);
    });
  },
  { steps: gate.steps },
);

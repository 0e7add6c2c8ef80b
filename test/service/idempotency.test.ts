import { randomBytes } from "node:crypto";

import { afterEach, describe, expect, test } from "vitest";
import { Secret } from "../../src/domain/keys/secret.ts";
import { DomainError } from "../../src/domain/parts/error.ts";
import { describeService, type Issued, type Problem, type TestReplica } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";
import { createGate, createTestSteps } from "../support/service-steps.ts";

const HOUR = 3_600_000;
const steps = createTestSteps();
const outage = () => {
  throw new DomainError("unavailable", "a test's outage");
};

describeService(
  "Idempotency-Key",
  (service) => {
    let keys = 0;
    const newKey = () => `key ${++keys}`;
    const BODY = { platform: "default", label: "idempotent" };

    afterEach(() => {
      for (const step of ["issue:begun", "issue:minted", "issue:committed"] as const)
        steps.at(step, undefined);
      service().watched.intercept(undefined);
    });

    const issue = (key: string, body: object | string = BODY, headers = service().asHuman("alice")) =>
      service().send("POST", "/v1/tokens", body, { ...headers, "idempotency-key": key });

    /** Tokens that a person has, by their label. */
    async function issued(subject: string): Promise<number> {
      const list = await service().get("/v1/tokens?limit=1000", service().asHuman(subject));
      return list.json<{ items: object[] }>().items.length;
    }

    test("a repeat answers the same token, to the byte, and issues none", async () => {
      const key = newKey();
      const asBob = service().asHuman("bob");
      const first = await issue(key, BODY, asBob);
      expect(first.status).toBe(201);
      for (let index = 0; index < 3; index++) {
        const again = await issue(key, BODY, asBob);
        expect(again.status).toBe(201);
        expect(again.text).toBe(first.text);
      }
      expect(await issued("bob")).toBe(1);
      expect(await service().verify(first.json<Issued>().token)).toMatchObject({ allowed: true });
    });

    test("what was narrowed from a credential has keys of its own: it is not given what the wider one was", async () => {
      const key = newKey();
      const body = { platform: "default", on_behalf_of: { subject: "erin" } };
      const { authorization = "" } = service().asPlatform();
      const narrowed = { authorization: `Bearer ${narrow(authorization.slice(7), "action = issue")}` };
      const first = await issue(key, body, service().asPlatform());
      const other = await issue(key, body, narrowed);
      expect([first.status, other.status]).toEqual([201, 201]);
      expect(other.json<Issued>().token_id).not.toBe(first.json<Issued>().token_id);
      expect((await issue(key, body, service().asPlatform())).text).toBe(first.text);
      expect((await issue(key, body, narrowed)).text).toBe(other.text);
    });

    test("an answer that was sealed under a master key that has gone is 503, issues nothing, and is there again with it", async () => {
      const key = newKey();
      const asCarol = service().asHuman("carol");
      const first = await issue(key, BODY, asCarol);
      const masterKey = new Secret(new Uint8Array(randomBytes(32)));
      const both = service().replica({ masterKey, previousMasterKey: service().masterKey });
      await both.start();
      await both.maintenance.run();
      const alone = service().replica({ masterKey });
      await alone.start();
      const repeat = (replica: TestReplica) =>
        replica.send("POST", "/v1/tokens", BODY, { ...asCarol, "idempotency-key": key });

      const refused = await repeat(alone);
      expect(refused.json<Problem>()).toMatchObject({ status: 503, code: "unavailable" });
      expect(refused.json<Problem>().detail).toBe(
        "the first request under this Idempotency-Key was carried out, and its answer cannot be read: " +
          "sealed under a master key that is not configured",
      );
      expect(await issued("carol")).toBe(1);
      expect((await repeat(both)).text).toBe(first.text);
      expect([...alone.faults, ...both.faults]).toEqual([]);

      const back = service().replica({ previousMasterKey: masterKey });
      await back.start();
      await back.maintenance.run();
      for (const { stop } of [both, alone, back]) await stop();
    });

    test.each([
      { what: "another body", body: { ...BODY, ttl: 60 } },
      { what: "the same members in other bytes", body: JSON.stringify(BODY, null, 1) },
    ])("$what under the key is refused", async ({ body }) => {
      const key = newKey();
      await issue(key);
      expect((await issue(key, body)).json<Problem>()).toMatchObject({
        status: 422,
        code: "idempotency_mismatch",
        detail: "this Idempotency-Key came with another body before",
      });
    });

    test("another caller's key is another key", async () => {
      const key = newKey();
      const first = (await issue(key)).json<Issued>();
      const other = (await issue(key, BODY, service().asHuman("bob"))).json<Issued>();
      const cousin = { subject: "alice", issuer: "https://partner.test" };
      expect((await issue(key, BODY, service().asHuman(cousin))).status).toBe(403);
      expect(other.token_id).not.toBe(first.token_id);
      expect(other.principal.subject).toBe("bob");
    });

    test("two credentials of one platform are two callers", async () => {
      const key = newKey();
      const made = await service().send("POST", "/v1/platforms/default/credentials", {}, service().asAdmin());
      const second = { authorization: `Bearer ${made.json<Issued>().token}` };
      const body = { platform: "default", on_behalf_of: { subject: "alice" } };
      const one = (await issue(key, body, service().asPlatform())).json<Issued>();
      const two = (await issue(key, body, second)).json<Issued>();
      expect(one.token_id).not.toBe(two.token_id);
    });

    test("while the first is in flight a second is told so, and later gets its answer", async () => {
      const key = newKey();
      const gate = createGate();
      steps.at("issue:begun", () => gate.opened);
      const first = issue(key);
      await expect.poll(() => steps.seen.at(-1)).toBe("issue:begun");
      steps.at("issue:begun", undefined);
      const second = await issue(key);
      expect(second.json<Problem>()).toMatchObject({ status: 409, code: "idempotency_in_flight" });
      expect(second.headers.get("retry-after")).toBe("1");
      expect((await issue(key, { ...BODY, ttl: 5 })).status).toBe(422);
      gate.open();
      const { text } = await first;
      expect((await issue(key)).text).toBe(text);
    });

    test("of many at once one issues, and the others are told to wait or answered the same", async () => {
      const key = newKey();
      const asDora = service().asHuman("dora");
      const answers = await Promise.all(Array.from({ length: 20 }, () => issue(key, BODY, asDora)));
      const good = answers.filter(({ status }) => status === 201);
      expect(good.length).toBeGreaterThanOrEqual(1);
      expect(new Set(good.map(({ text }) => text)).size).toBe(1);
      expect(answers.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
      expect(await issued("dora")).toBe(1);
      expect((await issue(key, BODY, asDora)).text).toBe(good[0]?.text);
    });

    test("a request that was refused frees the key", async () => {
      const key = newKey();
      expect((await issue(key, { ...BODY, ttl: 10_000_000 })).status).toBe(422);
      expect((await issue(key, { ...BODY, platform: "nowhere" })).status).toBe(403);
      expect((await issue(key, { ...BODY, caveats: ["nonsense"] })).status).toBe(400);
      expect((await issue(key)).status).toBe(201);
    });

    test("an outage before the commit frees the key, and nothing was issued", async () => {
      const key = newKey();
      const asEllen = service().asHuman("ellen");
      steps.at("issue:minted", outage);
      expect((await issue(key, BODY, asEllen)).status).toBe(503);
      steps.at("issue:minted", undefined);
      expect(await issued("ellen")).toBe(0);
      expect((await issue(key, BODY, asEllen)).status).toBe(201);
      expect(await issued("ellen")).toBe(1);
    });

    test("after an outage behind the commit a repeat answers what was issued", async () => {
      const key = newKey();
      const asFay = service().asHuman("fay");
      steps.at("issue:committed", outage);
      expect((await issue(key, BODY, asFay)).status).toBe(503);
      steps.at("issue:committed", undefined);
      expect(await issued("fay")).toBe(1);
      const repeat = await issue(key, BODY, asFay);
      expect(repeat.status).toBe(201);
      expect(await issued("fay")).toBe(1);
      expect(await service().verify(repeat.json<Issued>().token)).toMatchObject({ allowed: true });
    });

    test("where the process died between claim and answer, another takes over after the lease", async () => {
      const key = newKey();
      const asGus = service().asHuman("gus");
      steps.at("issue:minted", outage);
      service().watched.intercept((call) => (call === "idempotency.release" ? outage() : undefined));
      expect((await issue(key, BODY, asGus)).status).toBe(503);
      steps.at("issue:minted", undefined);
      service().watched.intercept(undefined);

      expect((await issue(key, BODY, asGus)).status).toBe(409);
      await service().advance(59_000);
      expect((await issue(key, BODY, asGus)).status).toBe(409);
      await service().advance(2_000);
      expect((await issue(key, BODY, asGus)).status).toBe(201);
      expect(await issued("gus")).toBe(1);
    });

    test("an attempt that was overtaken issues nothing", async () => {
      const key = newKey();
      const asHal = service().asHuman("hal");
      const gate = createGate();
      steps.at("issue:begun", () => gate.opened);
      const slow = issue(key, BODY, asHal);
      await expect.poll(() => steps.seen.at(-1)).toBe("issue:begun");
      steps.at("issue:begun", undefined);
      await service().advance(61_000);
      const taker = await issue(key, BODY, asHal);
      expect(taker.status).toBe(201);
      gate.open();
      expect((await slow).json<Problem>()).toMatchObject({ status: 409, code: "idempotency_in_flight" });
      expect(await issued("hal")).toBe(1);
      expect((await issue(key, BODY, asHal)).text).toBe(taker.text);
    });

    test("a key is kept for 24 hours and then is a new one", async () => {
      const key = newKey();
      const first = (await issue(key)).json<Issued>();
      await service().advance(24 * HOUR - 10_000);
      expect((await issue(key)).json<Issued>().token_id).toBe(first.token_id);
      await service().advance(20_000);
      const later = (await issue(key)).json<Issued>();
      expect(later.token_id).not.toBe(first.token_id);
      await service().advance(24 * HOUR + 1_000);
      await service().maintenance.run();
      expect((await issue(key, { ...BODY, ttl: 60 })).status).toBe(201);
    });

    describe("what is no key", () => {
      test.each(["", "ü", "x".repeat(256), "a\tb"])("%j", async (key) => {
        const answer = await issue(key);
        expect(answer.json<Problem>()).toMatchObject({ status: 400, member: "Idempotency-Key" });
      });
    });
  },
  { steps },
);

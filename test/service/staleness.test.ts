import { afterEach, describe, expect, test } from "vitest";

import { describeService, type Problem, type Revoked, type TestReplica } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

const BOUND = 10_000;
const TOO_OLD = "this replica's knowledge of revocations is too old to allow anything";

describeService("what a replica knows of revocations", (service) => {
  const others: TestReplica[] = [];
  afterEach(async () => {
    service().watched.setDown(false);
    await service().fresh();
    for (const other of others.splice(0)) await other.stop();
  });

  async function another(): Promise<TestReplica> {
    const other = service().replica();
    await other.start();
    others.push(other);
    return other;
  }

  const verifyAt = (replica: Pick<TestReplica, "send">, token: string, more: object = {}) =>
    replica.send("POST", "/v1/verify", { token, context: {}, ...more }, service().asPlatform());
  const verify = (token: string, more: object = {}) => verifyAt(service(), token, more);

  /** The last report of a kind: a busy machine adds others of its own. */
  const latest = (kind: "feed" | "clocks") => service().reports.findLast((report) => report.startsWith(kind));

  describe("while the database does not answer", () => {
    test("is good for as long as the bound, then everything is 503, and it mends itself", async () => {
      const { token } = await service().issue();
      const revoked = (await service().issue()).token;
      await service().revoke([{ token: revoked }]);
      expect((await verify(token)).json()).toMatchObject({ allowed: true });

      service().watched.setDown(true);
      expect((await verify(token)).json()).toMatchObject({ allowed: true });
      expect((await verify(revoked)).json()).toMatchObject({ code: "revoked" });
      // Verify is answered, so no balancer may take this replica out for it.
      expect((await service().get("/readyz")).status).toBe(200);
      expect((await service().get("/readyz?for=write")).json<Problem>()).toMatchObject({
        status: 503,
        detail: "not ready: database, changes",
      });

      await expect.poll(() => latest("feed")).toBe("feed: the database does not answer");
      service().clock.shiftMonotonic(BOUND + 1_000);
      for (const presented of [token, revoked, "AAAA", narrow(token, "x = 1")]) {
        expect((await verify(presented)).json<Problem>()).toMatchObject({
          status: 503,
          code: "unavailable",
          detail: TOO_OLD,
        });
      }
      const batch = { requests: [{ token, context: {} }] };
      const many = await service().send("POST", "/v1/verify/batch", batch, service().asPlatform());
      expect(many.status).toBe(503);
      // A credential could have been revoked as well: who calls is not known either.
      for (const path of ["/v1/tokens", "/v1/keys", "/v1/revocations"]) {
        expect((await service().get(path, service().asPlatform())).status).toBe(503);
      }
      expect((await service().get("/readyz")).json<Problem>().checks).toEqual([
        { name: "serving", ok: true },
        { name: "revocations", ok: false },
        { name: "clock", ok: true },
      ]);
      const told = (await service().get("/readyz", service().asPlatform())).json<Problem>();
      expect(told.checks).toContainEqual({ name: "revocations", ok: false, detail: TOO_OLD });
      expect((await service().get("/healthz")).status).toBe(200);

      service().watched.setDown(false);
      await service().fresh();
      expect((await verify(token)).json()).toMatchObject({ allowed: true });
      expect((await verify(revoked)).json()).toMatchObject({ code: "revoked" });
      expect((await service().get("/readyz?for=write")).status).toBe(200);
      await expect.poll(() => latest("feed")).toBe("feed: works again");
    });

    test("nothing is issued, revoked or listed, and it is 503 each time", async () => {
      const { token } = await service().issue();
      service().watched.setDown(true);
      const asAlice = service().asHuman("alice");
      expect((await service().send("POST", "/v1/tokens", { platform: "default" }, asAlice)).status).toBe(503);
      expect((await service().send("POST", "/v1/revocations", { targets: [{ token }] })).status).toBe(503);
      expect((await service().get("/v1/tokens", asAlice)).status).toBe(503);
      expect((await service().get("/v1/platforms", service().asAdmin())).status).toBe(503);
      service().watched.setDown(false);
      // What was not acknowledged was not done.
      await service().fresh();
      expect((await verify(token)).json()).toMatchObject({ allowed: true });
    });
  });

  test.each([
    { what: "ahead of", by: 33_000 },
    { what: "behind", by: -33_000 },
  ])("a wall clock 33 s $what the database's makes every answer 503 until they agree", async ({ by }) => {
    const apart = "this replica's clock and the database's differ by more than 30 s";
    const { token } = await service().issue({ ttl: 86_400 });
    const expired = narrow(token, `time < ${new Date().toISOString()}`);
    service().clock.shiftWall(by);
    try {
      await expect.poll(() => latest("clocks")).toBe(`clocks: ${apart}`);
      for (const presented of [token, expired, "AAAA"]) {
        expect((await verify(presented)).json<Problem>()).toMatchObject({
          status: 503,
          code: "unavailable",
          detail: `${apart}: what has expired cannot be told`,
        });
      }
      expect((await service().get("/v1/tokens", service().asPlatform())).status).toBe(503);
      expect((await service().get("/readyz")).json<Problem>().detail).toBe("not ready: clock");
      expect((await service().get("/healthz")).status).toBe(200);
    } finally {
      service().clock.shiftWall(-by);
    }
    await expect.poll(() => latest("clocks")).toBe("clocks: agree again");
    expect((await verify(token)).json()).toMatchObject({ allowed: true });
    expect((await verify(expired)).json()).toMatchObject({ code: "expired" });
    expect(service().reports.filter((report) => report === `clocks: ${apart}`).length).toBeLessThanOrEqual(2);
  });

  test.each([
    { what: "ahead", by: 25_000 },
    { what: "back", by: -25_000 },
  ])("a wall clock that is set $what does not make it older or younger", async ({ by }) => {
    const { token } = await service().issue({ ttl: 86_400 });
    service().clock.shiftWall(by);
    try {
      expect((await verify(token)).json()).toMatchObject({ allowed: true });
      service().watched.setDown(true);
      service().clock.shiftMonotonic(BOUND + 1_000);
      expect((await verify(token)).status).toBe(503);
    } finally {
      service().clock.shiftWall(-by);
    }
  });

  describe("on another replica", () => {
    test("a revocation holds within the bound, without anything asked", async () => {
      const other = await another();
      const { token } = await service().issue();
      expect((await verifyAt(other, token)).json()).toMatchObject({ allowed: true });
      await service().revoke([{ token }]);
      await expect.poll(async () => (await verifyAt(other, token)).json()["code"]).toBe("revoked");
    });

    test("with min_sequence it holds at once", async () => {
      const other = await another();
      for (let index = 0; index < 5; index++) {
        const { token } = await service().issue();
        const { sequence } = await service().revoke([{ token }]);
        const answer = await verifyAt(other, token, { min_sequence: sequence });
        expect(answer.json()).toMatchObject({ code: "revoked" });
      }
    });

    test("the same entry is answered there as here", async () => {
      const other = await another();
      const { token_id } = await service().issue();
      const body = { targets: [{ token_id }] };
      const here = await service().send("POST", "/v1/revocations", body, service().asPlatform());
      const there = await other.send("POST", "/v1/revocations", body, service().asPlatform());
      expect(there.json<Revoked>().revocations).toEqual(here.json<Revoked>().revocations);
    });
  });

  describe("min_sequence", () => {
    async function sequenceAfter(count: number): Promise<string> {
      const { token } = await service().issue();
      const { sequence } = await service().revoke([{ token }]);
      if (count === 0) return sequence;
      // Of an entry to come nobody has the hash; a sequence without one is good, too.
      const [epoch, , number] = sequence.split("-");
      return `${epoch}-${Number(number) + count}`;
    }

    test("that has been applied is answered", async () => {
      const { token } = await service().issue();
      const sequence = await sequenceAfter(0);
      expect((await verify(token, { min_sequence: sequence })).json()).toMatchObject({ allowed: true });
    });

    test("that does not come is waited for a while, and then is 503", async () => {
      const { token } = await service().issue();
      const sequence = await sequenceAfter(1_000);
      const begun = performance.now();
      const answer = await verify(token, { min_sequence: sequence });
      expect(answer.json<Problem>()).toMatchObject({
        status: 503,
        detail: "this replica has not applied min_sequence in time",
      });
      expect(performance.now() - begun).toBeGreaterThan(1_900);
    });

    test("that comes meanwhile is answered, revocation and all", async () => {
      const { token } = await service().issue();
      const sequence = await sequenceAfter(1);
      const waiting = verify(token, { min_sequence: sequence });
      const revoked = await service().revoke([{ token }]);
      expect((await waiting).json()).toMatchObject({ code: "revoked", sequence: revoked.sequence });
    });

    test("of the same epoch and another history is 503: its entries were lost", async () => {
      const { token } = await service().issue();
      const sequence = await sequenceAfter(0);
      await sequenceAfter(0);
      const other = sequence.replace(/-[0-9a-f]{16}-/, `-${"0".repeat(16)}-`);
      for (let time = 0; time < 2; time += 1) {
        expect((await verify(token, { min_sequence: sequence })).json()).toMatchObject({ allowed: true });
        expect((await verify(token, { min_sequence: other })).json<Problem>()).toMatchObject({
          status: 503,
          detail: "min_sequence is not of this log: entries of it have been lost",
        });
      }
    });

    test("of another epoch is 503: nobody can say what it holds", async () => {
      const { token } = await service().issue();
      expect((await verify(token, { min_sequence: "anotherepoch-1" })).json<Problem>()).toMatchObject({
        status: 503,
        detail: "min_sequence belongs to another epoch of the log",
      });
    });

    test.each(["", "x", "epoch-", "-1", "epoch-01", "epoch-1.5", "epoch-9999999999999999", "e p-1"])(
      "that is none is 400: %j",
      async (min_sequence) => {
        expect((await verify("AAAA", { min_sequence })).json<Problem>()).toMatchObject({
          status: 400,
          member: "min_sequence",
        });
      },
    );
  });
});

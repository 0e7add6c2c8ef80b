import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { DomainError } from "../../src/domain/parts/error.ts";
import { describeOnEachDatabase } from "../support/database.ts";
import {
  type Answer,
  bearer,
  describeService,
  startTestService,
  type TestService,
} from "../support/service.ts";
import { narrow, opened } from "../support/service-macaroons.ts";
import { callsOfRequests } from "../support/service-store.ts";

const BOUND = 10_000;
const DAY = 86_400_000;

interface Key {
  readonly key_id: string;
  readonly state: string;
  readonly active_from: string;
  readonly retired_at?: string;
  readonly expires_at?: string;
}

const keyOf = (token: string) => Buffer.from(opened(token)[0].identifier).toString().split(".")[1] ?? "";

/** A token under a root key that nobody has. */
function underUnknownKey(token: string, id: string): string {
  const bytes = Buffer.from(token, "base64url");
  bytes.write(id.padEnd(16, "A"), bytes.indexOf("bh1.") + 4, "latin1");
  return bytes.toString("base64url");
}

describeService("root keys", (service) => {
  let platforms = 0;
  let platform = "";
  beforeEach(async () => {
    platform = `keys-${++platforms}`;
    await service().createPlatform(platform);
    await service().verify("AAAA", {}, {}, platform); // the credential's principal is in memory from here on
  });
  afterEach(() => {
    service().watched.intercept(undefined);
    service().watched.setDown(false);
  });

  const keys = async (): Promise<readonly Key[]> =>
    (await service().get("/v1/keys", service().asPlatform(platform))).json<{ items: Key[] }>().items;
  const rotate = () => service().send("POST", "/v1/keys/rotate", {}, service().asPlatform(platform));
  const issue = async () => (await service().issue({ platform, ttl: 86_400 })).token;
  const verify = (token: string) =>
    service().send("POST", "/v1/verify", { token, context: {} }, service().asPlatform(platform));
  const codeOf = (answer: Answer) => {
    const { allowed, code } = answer.json<{ allowed?: boolean; code?: string }>();
    return allowed === true ? "allowed" : code;
  };
  /** Calls of the store but those of following the log, and of reading all keys anew each half of the bound. */
  /** The store's calls from now on that requests wait for. */
  function callsDuring() {
    const begin = service().watched.calls.length;
    return () => callsOfRequests(service().watched.calls.slice(begin));
  }

  describe("rotation", () => {
    test("the new key signs after twice the staleness bound, the old one verifies on", async () => {
      const before = await issue();
      const next = (await rotate()).json<Key & Record<string, unknown>>();
      expect(next).toEqual({
        key_id: expect.stringMatching(/^[\w-]{16}$/),
        platform,
        state: "pending",
        created_at: expect.any(String),
        active_from: expect.any(String),
      });
      expect(Date.parse(next.active_from) - Date.parse(String(next["created_at"]))).toBe(2 * BOUND);
      const [pending, active] = await keys();
      expect(pending).toEqual(next);
      expect(active).toMatchObject({ key_id: keyOf(before), state: "active", retired_at: next.active_from });

      await service().advance(2 * BOUND - 2_000);
      expect(keyOf(await issue())).toBe(keyOf(before));
      await service().advance(3_000);
      const after = await issue();
      expect(keyOf(after)).toBe(next.key_id);
      expect((await keys()).map(({ state }) => state)).toEqual(["active", "retired"]);
      for (const token of [before, after, narrow(before, "x = 1")]) {
        expect(["allowed", "caveat_failed"]).toContain(codeOf(await verify(token)));
      }
    });

    test("two at once, and one more while it waits, make one key", async () => {
      const answers = await Promise.all([rotate(), rotate(), rotate()]);
      expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
      answers.push(await rotate());
      expect(new Set(answers.map((answer) => answer.json<Key>().key_id)).size).toBe(1);
      expect(await keys()).toHaveLength(2);
    });

    test("a platform cannot fill the memory of all with its keys; an administrator still can rotate", async () => {
      const answers: number[] = [];
      for (let index = 0; index < 12; index++) {
        answers.push((await rotate()).status);
        await service().advance(2 * BOUND + 1_000);
      }
      expect(answers).toEqual([...Array(10).fill(201), 429, 429]);
      expect(await keys()).toHaveLength(11);
      const asAdmin = service().asAdmin();
      expect((await service().send("POST", "/v1/keys/rotate", { platform }, asAdmin)).status).toBe(201);
      await service().advance(3_600_000);
      expect((await rotate()).status).toBe(201);
    });

    test("nor by revoking them in a loop; what signs no more, and an administrator, may be revoked on", async () => {
      const signing = async () => (await keys()).find(({ state }) => state === "active")?.key_id ?? "";
      const revoke = (key_id: string, as = service().asPlatform(platform)) =>
        service().send("POST", "/v1/revocations", { targets: [{ key_id }] }, as);
      const first = await signing();
      const answers: number[] = [];
      for (let index = 0; index < 22; index++) answers.push((await revoke(await signing())).status);
      expect(answers).toEqual([...Array(20).fill(200), 429, 429]);
      expect(await keys()).toHaveLength(21);
      expect((await revoke(first)).status).toBe(200);
      expect(await keys()).toHaveLength(21);
      expect(codeOf(await verify(await issue()))).toBe("allowed");
      expect((await revoke(await signing(), service().asAdmin())).status).toBe(200);
      expect(codeOf(await verify(await issue()))).toBe("allowed");
    });

    test("whoever uses up the rotations keeps nobody from revoking the key that signs", async () => {
      const whole = service().asPlatform(platform)["authorization"]?.replace("Bearer ", "") ?? "";
      const narrowed = bearer(narrow(whole, "action in keys"));
      for (let index = 0; index < 12; index++) {
        await service().send("POST", "/v1/keys/rotate", {}, narrowed);
        await service().advance(2 * BOUND + 1_000);
      }
      expect((await service().send("POST", "/v1/keys/rotate", {}, narrowed)).status).toBe(429);
      // Nor from rotating it, by the credential that was narrowed.
      expect((await rotate()).status).toBe(201);
      await service().advance(2 * BOUND + 1_000);
      const signs = (await keys()).find(({ state }) => state === "active")?.key_id ?? "";
      const token = await issue();
      const revoked = await service().send(
        "POST",
        "/v1/revocations",
        { targets: [{ key_id: signs }] },
        service().asPlatform(platform),
      );
      expect(revoked.status).toBe(200);
      expect(codeOf(await verify(token))).toBe("revoked");
    });

    test("a rotation that makes no key takes nothing from the allowance", async () => {
      for (let index = 0; index < 30; index++) expect((await rotate()).status).toBe(201);
      expect(await keys()).toHaveLength(2);
    });

    test("an administrator names the platform, which must be there", async () => {
      const send = (body: object) => service().send("POST", "/v1/keys/rotate", body, service().asAdmin());
      expect((await send({ platform })).status).toBe(201);
      expect((await send({})).json()).toMatchObject({ status: 400, member: "platform" });
      expect((await send({ platform: "nowhere" })).status).toBe(404);
    });

    test("no answer holds more of a key than its id and its times", async () => {
      await rotate();
      for (const key of await keys()) {
        expect(Object.keys(key).sort()).toEqual(
          expect.arrayContaining(["active_from", "created_at", "key_id", "platform", "state"]),
        );
        expect(Object.keys(key).length).toBeLessThanOrEqual(7);
      }
    });
  });

  describe("look-ups of what memory does not hold", () => {
    test("many at once for one unknown key are one query, and for a second none more", async () => {
      const token = underUnknownKey(await issue(), `many${platforms}`);
      const calls = callsDuring();
      service().clock.holdMonotonic(true);
      const answers = await Promise.all(Array.from({ length: 50 }, () => verify(token)));
      expect(new Set(answers.map(codeOf))).toEqual(new Set(["unknown_key"]));
      expect(calls()).toEqual(["rootKeys.find"]);
      await verify(token);
      expect(calls()).toEqual(["rootKeys.find"]);
      service().clock.holdMonotonic(false);
      await service().advance(1_100);
      await verify(token);
      expect(calls()).toEqual(["rootKeys.find", "rootKeys.find"]);
    });

    test("unknown keys of all kinds together stay under a rate, past it is 503, and known keys answer on", async () => {
      await service().advance(5_000);
      const token = await issue();
      const calls = callsDuring();
      // So that nothing refills however long it takes.
      service().clock.holdMonotonic(true);
      const answers = await Promise.all(
        Array.from({ length: 150 }, (_, index) =>
          verify(underUnknownKey(token, `rate${platforms}n${index}n`)),
        ),
      );
      service().clock.holdMonotonic(false);
      const codes = Map.groupBy(answers, codeOf);
      expect([...codes.keys()].sort()).toEqual(["unavailable", "unknown_key"]);
      expect(codes.get("unavailable")?.[0]?.status).toBe(503);
      expect(calls().length).toBe(codes.get("unknown_key")?.length);
      // A hundred at once, and those that are given back.
      expect(calls().length).toBeLessThan(120);
      expect(codeOf(await verify(token))).toBe("allowed");
      await service().advance(2_000);
    });

    test("a store that fails makes it 503 and never unknown_key, and is asked again", async () => {
      const token = underUnknownKey(await issue(), `down${platforms}`);
      service().watched.intercept((call) => {
        if (call === "rootKeys.find") throw new DomainError("unavailable", "the database does not answer");
      });
      const refused = await verify(token);
      expect(refused.json()).toMatchObject({ status: 503, code: "unavailable" });
      service().watched.intercept(undefined);
      expect(codeOf(await verify(token))).toBe("unknown_key");
    });
  });

  test("once seen, a token is verified without a single query", async () => {
    const tokens = [await issue(), narrow(await issue(), "agent = a", "time < 2100-01-01T00:00:00Z")];
    const calls = callsDuring();
    for (let index = 0; index < 25; index++) {
      for (const token of tokens) expect(codeOf(await verify(token))).toBe("allowed");
    }
    const batch = { requests: tokens.map((token) => ({ token, context: {} })) };
    await service().send("POST", "/v1/verify/batch", batch, service().asPlatform(platform));
    expect(calls()).toEqual([]);
  });

  test("another replica looks a new key and its principal up once each", async () => {
    const other = service().replica();
    await other.start();
    const late = `${platform}-late`;
    await service().createPlatform(late);
    const { token } = await service().issue({ platform: late });
    const calls = callsDuring();
    const ask = () => other.send("POST", "/v1/verify", { token, context: {} }, service().asPlatform(late));
    expect(codeOf(await ask())).toBe("allowed");
    // The caller's credential is a macaroon too, whose principal this replica sees for the first time.
    expect(calls().sort()).toEqual(["principals.find", "principals.find", "rootKeys.find"]);
    expect(codeOf(await ask())).toBe("allowed");
    expect(calls()).toHaveLength(3);
    await other.stop();
  });

  test("another replica's principal look-up that fails is 503, and the next one works", async () => {
    const { token } = await service().issue({ platform });
    const other = service().replica();
    await other.start();
    const ask = () =>
      other.send("POST", "/v1/verify", { token, context: {} }, service().asPlatform(platform));
    service().watched.intercept((call) => {
      if (call === "principals.find") throw new DomainError("unavailable", "the database does not answer");
    });
    expect((await ask()).status).toBe(503);
    service().watched.intercept(undefined);
    expect(codeOf(await ask())).toBe("allowed");
    await other.stop();
  });
});

describeOnEachDatabase("root keys as the months pass", (_, kind) => {
  let service: TestService;
  beforeEach(async () => {
    service = await startTestService({ kind });
  });
  afterEach(async () => {
    await service.close();
  });

  const asAdmin = () => service.asHuman({ subject: "root", groups: ["admins"] });
  const keys = async (platform: string): Promise<readonly Key[]> =>
    (await service.get(`/v1/keys?platform=${platform}`, asAdmin())).json<{ items: Key[] }>().items;

  test("keys are replaced at thirty days, kept as long as tokens under them live, and then destroyed", async () => {
    const first = (await service.issue({ ttl: 86_400 })).token;
    await service.advance(30 * DAY - 60_000);
    await service.maintenance.run();
    expect(await keys("default")).toHaveLength(1);

    await service.advance(120_000);
    await service.maintenance.run();
    await service.maintenance.run();
    expect((await keys("default")).map(({ state }) => state)).toEqual(["pending", "active"]);
    expect((await keys("bakehouse")).map(({ state }) => state)).toEqual(["pending", "active"]);
    await service.advance(2 * BOUND + 1_000);
    const second = (await service.issue({ ttl: 86_400 })).token;
    expect(keyOf(second)).not.toBe(keyOf(first));
    // Credentials under the retired key of the service itself are still good.
    expect(await service.verify(second)).toMatchObject({ allowed: true });

    const retired = (await keys("default")).at(-1);
    const life = Date.parse(retired?.expires_at ?? "") - Date.parse(retired?.retired_at ?? "");
    expect(life).toBe(91 * DAY);

    await service.advance(91 * DAY);
    await service.maintenance.run();
    const left = await keys("default");
    expect(left.map(({ key_id }) => key_id)).not.toContain(keyOf(first));
    expect(left.map(({ key_id }) => key_id)).toContain(keyOf(second));
    expect(service.reports).toEqual([]);

    const later = service.replica();
    await later.start();
    const made = await later.send("POST", "/v1/platforms/default/credentials", {}, asAdmin());
    const { token: credential } = made.json<{ token: string }>();
    const ask = async (token: string) =>
      (
        await later.send(
          "POST",
          "/v1/verify",
          { token, context: {} },
          { authorization: `Bearer ${credential}` },
        )
      ).json();
    expect(await ask(first)).toMatchObject({ code: "unknown_key" });
    expect(await ask(second)).toMatchObject({ code: "expired" });
  });
});

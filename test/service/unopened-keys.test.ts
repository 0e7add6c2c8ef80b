import { randomBytes } from "node:crypto";

import { expect, test } from "vitest";

import { Secret } from "../../src/domain/keys/secret.ts";
import { describeService, type TestReplica } from "../support/service.ts";
import { opened, tickets } from "../support/service-macaroons.ts";

const LOCATION = "http://127.0.0.1:8080";
const DAY = 86_400_000;

const keyOf = (token: string) => Buffer.from(opened(token)[0].identifier).toString().split(".")[1] ?? "";

describeService("a root key that does not open", (service) => {
  let platforms = 0;

  /** A platform whose root key's row was damaged, a token under it, and a replica that began after that. */
  async function damaged() {
    const platform = `damaged-${++platforms}`;
    await service().createPlatform(platform);
    const { token } = await service().issue({ platform });
    const id = keyOf(token);
    const { rootKeys } = service().database.store;
    const sealed = (await rootKeys.find(id))?.sealed ?? new Uint8Array();
    await rootKeys.reseal(
      id,
      sealed.map((byte, index) => (index === sealed.length - 1 ? byte ^ 1 : byte)),
    );
    const late = service().replica();
    await late.start();
    const ask = async (of: string, as: string, replica: TestReplica = late) => {
      const body = { token: of, context: {} };
      const answer = await replica.send("POST", "/v1/verify", body, service().asPlatform(as));
      const { allowed, code } = answer.json<{ allowed?: boolean; code?: string }>();
      return `${answer.status} ${allowed === true ? "allowed" : code}`;
    };
    const issue = async (of: string) =>
      (await late.send("POST", "/v1/tokens", { platform: of }, service().asHuman("alice"))).status;
    return { platform, token, id, sealed, late, ask, issue };
  }

  test("stops nothing but its own tokens: they are 503 to their platform, and unknown to others", async () => {
    const { platform, token, id, late, ask, issue } = await damaged();
    const other = await service().issue();
    expect(await ask(token, platform)).toBe("503 unavailable");
    expect(await ask(token, "default")).toBe("200 unknown_key");
    expect(await ask(other.token, "default")).toBe("200 allowed");
    expect([await issue(platform), await issue("default")]).toEqual([503, 201]);
    const possessed = await late.send("POST", "/v1/revocations", { targets: [{ token }] });
    expect(possessed.json()).toMatchObject({ status: 503, code: "unavailable" });
    // Who had it in memory before has it still.
    expect(await ask(token, platform, service())).toBe("200 allowed");

    const problem = `open root key ${id}: a sealed value was altered, or belongs to something else`;
    expect(late.reports).toContain(problem);
    for (let load = 0; load < 3; load++) await late.bootstrap.run(false);
    expect(late.reports.filter((report) => report === problem)).toHaveLength(1);
    expect(late.faults).toEqual([]);
    await late.stop();
  });

  test("serves again once its row is mended", async () => {
    const { platform, token, id, sealed, late, ask, issue } = await damaged();
    await service().database.store.rootKeys.reseal(id, sealed);
    await late.bootstrap.run(false);
    expect(await ask(token, platform)).toBe("200 allowed");
    expect(await issue(platform)).toBe(201);
    await late.stop();
  });

  test("is got over by a rotation, and does not keep the others from being sealed anew", async () => {
    const { platform, token, sealed, id, late, ask, issue } = await damaged();
    const rotated = await late.send("POST", "/v1/keys/rotate", {}, service().asPlatform(platform));
    expect(rotated.status, rotated.text).toBe(201);
    expect(await issue(platform)).toBe(503);
    await service().advance(25_000);
    await late.fresh();
    expect(await issue(platform)).toBe(201);
    expect(await ask(token, platform)).toBe("503 unavailable");

    const masterKey = new Secret(new Uint8Array(randomBytes(32)));
    const next = service().replica({ masterKey, previousMasterKey: service().masterKey });
    await next.start();
    await next.maintenance.run();
    expect(next.reports).toContainEqual(expect.stringMatching(/^seal root keys .*altered/));
    const alone = service().replica({ masterKey });
    await alone.start();
    const good = await service().issue();
    expect(await ask(good.token, "default", alone)).toBe("200 allowed");
    const back = service().replica({ previousMasterKey: masterKey });
    await back.start();
    await back.maintenance.run();
    await service().database.store.rootKeys.reseal(id, sealed);
    for (const { stop } of [late, next, alone, back]) await stop();
  });
});

describeService("a discharge key that does not open", (service) => {
  test("makes its tickets 503, starts nothing anew for a day, and is then replaced", async () => {
    const publicKey = async (replica: TestReplica) => {
      const answer = await replica.get("/discharge/info");
      return answer.status === 200 ? answer.json<{ PublicKey: string }>().PublicKey : answer.status;
    };
    const before = await publicKey(service());
    const third_party_caveats = [{ location: LOCATION, condition: "is-authenticated-user" }];
    const ticketOf = async () => tickets((await service().issue({ third_party_caveats })).token)[0];
    const discharge = async (replica: TestReplica, caveat_id: string | undefined) =>
      (await replica.send("POST", "/v1/discharge", { caveat_id }, service().asHuman("bob"))).status;
    const old = await ticketOf();
    const { dischargeKeys, now } = service().database.store;
    const [key] = await dischargeKeys.usable(await now());
    await dischargeKeys.reseal(key?.id ?? "", new Uint8Array(60));

    const late = service().replica();
    await late.start();
    const { token } = await service().issue();
    const body = { token, context: {} };
    const verified = await late.send("POST", "/v1/verify", body, service().asPlatform());
    expect(verified.json()).toMatchObject({ allowed: true });
    const begin = service().watched.calls.length;
    expect([await publicKey(late), await discharge(late, old)]).toEqual([503, 503]);
    const asked = service().watched.calls.slice(begin);
    expect(asked.filter((call) => call.startsWith("dischargeKeys"))).toEqual([]);
    await late.maintenance.run();
    expect(await publicKey(late)).toBe(503);
    expect(late.reports.filter((report) => report.startsWith("open discharge key"))).toHaveLength(1);

    await service().advance(DAY + 1_000);
    await late.maintenance.run();
    const after = await publicKey(late);
    expect(after).toMatch(/^[\w+/]{43}=$/);
    expect(after).not.toBe(before);
    await service().maintenance.run();
    await service().advance(25_000);
    await late.fresh();
    expect(await discharge(late, await ticketOf())).toBe(200);
    expect(await discharge(late, old)).toBe(503);
    expect(late.faults).toEqual([]);
    await late.stop();
  });
});

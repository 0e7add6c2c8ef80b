import { randomBytes } from "node:crypto";

import { afterAll, expect, test } from "vitest";

import { Secret } from "../../src/domain/keys/secret.ts";
import {
  bearer,
  describeService,
  type Issued,
  type ReplicaOptions,
  type TestReplica,
} from "../support/service.ts";
import { tickets } from "../support/service-macaroons.ts";

type Keys = Pick<ReplicaOptions, "masterKey" | "previousMasterKey">;

const THIRD_PARTY = [{ location: "http://127.0.0.1:8080", condition: "is-authenticated-user" }];

const newMasterKey = () => new Secret(new Uint8Array(randomBytes(32)));

describeService("the master key of two replicas", (service) => {
  const running = new Set<TestReplica>();
  afterAll(async () => {
    for (const { stop } of running) await stop();
  });

  /** Starts a replica as a process does: it seals anew at once what another key has sealed. */
  async function begin(keys: Keys): Promise<TestReplica> {
    const replica = service().replica(keys);
    await replica.start();
    await replica.maintenance.run();
    expect(replica.reports).toEqual([]);
    running.add(replica);
    return replica;
  }

  async function end(replica: TestReplica): Promise<void> {
    running.delete(replica);
    await replica.stop();
    expect([replica.reports, replica.faults]).toEqual([[], []]);
  }

  /** A platform, its credential, and a token under its root key. */
  interface Made {
    readonly credential: string;
    readonly token: string;
  }

  let platforms = 0;
  /** Makes a platform at a replica, and a token there: its root key is sealed as that replica seals. */
  async function make(replica: TestReplica): Promise<Made> {
    const name = `made-${++platforms}`;
    const send = (path: string, body: object) => replica.send("POST", path, body, service().asAdmin());
    const policy = { rules: [{ max_ttl: 3600 }] };
    expect((await send("/v1/platforms", { name, policy })).status).toBe(201);
    const credential = (await send(`/v1/platforms/${name}/credentials`, {})).json<Issued>().token;
    return { credential, token: (await issue(replica, { platform: name })).token };
  }

  async function issue(replica: TestReplica, request: object = {}, key?: string): Promise<Issued> {
    const headers = { ...service().asHuman("alice"), ...(key && { "idempotency-key": key }) };
    const answer = await replica.send("POST", "/v1/tokens", { platform: "default", ...request }, headers);
    expect(answer.status, answer.text).toBe(201);
    return answer.json<Issued>();
  }

  async function ask(replica: TestReplica, { credential, token }: Made): Promise<string> {
    const answer = await replica.send("POST", "/v1/verify", { token, context: {} }, bearer(credential));
    const { allowed, code, detail } = answer.json<Partial<Record<"allowed" | "code" | "detail", unknown>>>();
    return allowed === true ? "allowed" : `${answer.status} ${code}: ${detail}`;
  }

  test("is changed without an answer missing: added as previous, swapped, dropped", async () => {
    const [old, fresh] = [service().masterKey, newMasterKey()];
    const defaults = async (replica: TestReplica, request?: object): Promise<Made> => ({
      credential: service().asPlatform()["authorization"]?.slice("Bearer ".length) ?? "",
      token: (await issue(replica, request)).token,
    });
    let replicas = [await begin({ masterKey: old }), await begin({ masterKey: old })];
    await service().stop();
    const everything: Made[] = [];
    const kept = new Map<string, string>();

    /** Everything that was made so far, and more of it at each replica, is good at all of them. */
    async function expectAllGood(): Promise<void> {
      for (const replica of running) {
        everything.push(await make(replica), await defaults(replica));
        const key = randomBytes(8).toString("hex");
        kept.set(key, (await issue(replica, {}, key)).token);
        const rotation = await replica.send(
          "POST",
          "/v1/keys/rotate",
          {},
          bearer(everything.at(-2)?.credential ?? ""),
        );
        expect(rotation.status, rotation.text).toBe(201);
      }
      const asked = await defaults([...running][0] as TestReplica, { third_party_caveats: THIRD_PARTY });
      const [caveat_id] = tickets(asked.token);
      for (const replica of running) {
        await replica.fresh();
        for (const made of everything) expect(await ask(replica, made)).toBe("allowed");
        for (const [key, token] of kept) expect((await issue(replica, {}, key)).token).toBe(token);
        const discharged = await replica.send(
          "POST",
          "/v1/discharge",
          { caveat_id },
          service().asHuman("bob"),
        );
        expect(discharged.status, discharged.text).toBeLessThan(300);
      }
    }

    for (const keys of [
      { masterKey: old, previousMasterKey: fresh },
      { masterKey: fresh, previousMasterKey: old },
      { masterKey: fresh },
    ]) {
      if (keys.previousMasterKey === undefined) {
        // The day for which answers to repeated requests are kept is over, and each replica has done its round.
        for (const replica of replicas) await replica.maintenance.run();
        kept.clear();
      }
      const next: TestReplica[] = [];
      for (const before of replicas) {
        next.push(await begin(keys));
        await expectAllGood();
        await end(before);
      }
      replicas = next;
    }
    await expect(service().replica({ masterKey: old }).start()).rejects.toThrow("is not configured");
    for (const replica of replicas) await end(replica);
  });
});

describeService("a master key that is swapped on one replica before the other knows it", (service) => {
  test("takes from the other one what the first has made since", async () => {
    const masterKey = newMasterKey();
    const first = service().replica({ masterKey, previousMasterKey: service().masterKey });
    await first.start();
    await first.maintenance.run();
    const asAdmin = service().asAdmin();
    const body = { name: "later", policy: { rules: [{ max_ttl: 60 }] } };
    expect((await first.send("POST", "/v1/platforms", body, asAdmin)).status).toBe(201);
    const made = await first.send("POST", "/v1/platforms/later/credentials", {}, asAdmin);
    const issued = await first.send("POST", "/v1/tokens", { platform: "later" }, service().asHuman("alice"));
    const question = { token: issued.json<Issued>().token, context: {} };
    const credential = bearer(made.json<Issued>().token);
    expect((await first.send("POST", "/v1/verify", question, credential)).json()).toMatchObject({
      allowed: true,
    });
    const answer = await service().send("POST", "/v1/verify", question, credential);
    expect(answer.json()).toMatchObject({
      status: 503,
      detail: "the root key does not open under this replica's master key",
    });
    // Nor does it start again, once the first has sealed anew what there was.
    await expect(service().replica().start()).rejects.toThrow("is not configured");
    await first.stop();
  });
});

import { beforeAll, expect, test } from "vitest";

import { type Answer, describeService } from "../support/service.ts";
import { narrow } from "../support/service-macaroons.ts";

const HOUR = 3_600_000;

/** As a whole service answers: the token, and the credential that asks, have been presented many times. */
describeService("tokens that were presented before", (service) => {
  const ask = (token: string, platform = "default"): Promise<Answer> =>
    service().send("POST", "/v1/verify", { token, context: {} }, service().asPlatform(platform));

  async function codeOf(token: string, platform?: string): Promise<unknown> {
    const { allowed, code } = (await ask(token, platform)).json<{ allowed: boolean; code?: string }>();
    return allowed ? "allowed" : code;
  }

  async function warm(token: string, platform?: string): Promise<void> {
    for (let time = 0; time < 4; time++) expect(await codeOf(token, platform)).toBe("allowed");
  }

  beforeAll(async () => {
    await service().createPlatform("shop");
    await service().createPlatform("bank");
  });

  test.each(["its own link", "the link above", "its tree", "its agent", "its person"])(
    "are refused from the answer on that revokes %s",
    async (what) => {
      const issued = await service().issue({}, "mallory");
      const parent = narrow(issued.token, "agent = planner");
      const token = narrow(parent, "agent = worker");
      const sibling = narrow(issued.token, "agent = other");
      const { revocation_id, revocation_ids } = await service()
        .verify(token)
        .then((allowed) => allowed as { revocation_id: string; revocation_ids: string[] });
      await warm(token);
      await warm(sibling);
      const target = {
        "its own link": { revocation_id },
        "the link above": { revocation_id: revocation_ids.at(-2) },
        "its tree": { token_id: issued.token_id },
        "its agent": { agent: "worker", token_id: issued.token_id },
        "its person": { principal: { id: issued.principal.id } },
      }[what];
      await service().revoke([target ?? {}], service().asAdmin());
      expect(await codeOf(token)).toBe("revoked");
      const siblingLives = what !== "its tree" && what !== "its person";
      expect(await codeOf(sibling)).toBe(siblingLives ? "allowed" : "revoked");
    },
  );

  test("expire on time", async () => {
    const { token } = await service().issue({ ttl: 3_600 });
    await warm(token);
    await service().advance(HOUR - 60_000);
    expect(await codeOf(token)).toBe("allowed");
    await service().advance(61_000);
    expect(await codeOf(token)).toBe("expired");
  });

  test("die with their key, and no other platform finds them", async () => {
    const { token } = await service().issue({ platform: "shop" });
    await warm(token, "shop");
    expect(await codeOf(token, "bank")).toBe("unknown_key");
    const { key_id } = (await ask(token, "shop")).json<{ key_id: string }>();
    const rotated = await service().send("POST", "/v1/keys/rotate", {}, service().asPlatform("shop"));
    expect(rotated.status).toBe(201);
    expect(await codeOf(token, "shop")).toBe("allowed");
    await service().revoke([{ key_id }], service().asAdmin());
    expect(await codeOf(token, "shop")).toBe("revoked");
  });

  test("are heard of no more once the credential that asks is revoked", async () => {
    const credential = await service().createPlatform("market");
    const { token } = await service().issue({ platform: "market" });
    await warm(token, "market");
    await service().send("POST", "/v1/revocations", { targets: [{ token: credential }] });
    expect((await ask(token, "market")).status).toBe(401);
  });
});

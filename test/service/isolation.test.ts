import { beforeAll, describe, expect, test } from "vitest";

import { uuidv7 } from "../../src/domain/parts/uuid.ts";
import { systemRandomness } from "../../src/run/system.ts";
import { type Answer, bearer, describeService, type Issued, type Revoked } from "../support/service.ts";
import { forged, linkOf, narrow } from "../support/service-macaroons.ts";

/** An answer without what differs for everybody: the request's id, and where the log stands. */
function comparable({ status, headers, text }: Answer): string {
  const rest = [...headers]
    .filter(([name]) => name !== "x-request-id")
    .map(([name, value]) => `${name}: ${value}`);
  return [status, ...rest.sort(), text.replace(/"sequence":"[^"]*"/g, '"sequence":""')].join("\n");
}

describeService("platforms learn nothing of each other", (service) => {
  let foreign: Issued;
  let own: Issued;
  let unknownToken: string;
  const unknownId = () => uuidv7(Date.now(), systemRandomness);

  beforeAll(async () => {
    await service().createPlatform("shop");
    await service().createPlatform("bank");
    foreign = await service().issue({ platform: "bank" });
    own = await service().issue({ platform: "shop" });
    const bytes = Buffer.from(foreign.token, "base64url");
    bytes.write("AAAAAAAAAAAAAAAA", bytes.indexOf("bh1.") + 4, "latin1");
    unknownToken = bytes.toString("base64url");
  });

  const asShop = () => service().asPlatform("shop");
  const verify = (token: string) => service().send("POST", "/v1/verify", { token, context: {} }, asShop());

  describe("a foreign thing is answered as one that does not exist, to the byte", () => {
    test.each([
      { what: "token", ask: () => [verify(foreign.token), verify(unknownToken)] },
      { what: "narrowed token", ask: () => [verify(narrow(foreign.token, "x = 1")), verify(unknownToken)] },
      { what: "forged token", ask: () => [verify(forged(foreign.token)), verify(unknownToken)] },
      {
        what: "credential of another platform's",
        ask: () => [verify(tokenOf(service().asPlatform("bank"))), verify(unknownToken)],
      },
      {
        what: "credential of one's own: it is no token",
        ask: () => [verify(tokenOf(asShop())), verify(unknownToken)],
      },
      {
        what: "token id",
        ask: () => [
          service().get(`/v1/tokens/${foreign.token_id}`, asShop()),
          service().get(`/v1/tokens/${unknownId()}`, asShop()),
        ],
      },
      {
        what: "token id, to a person",
        ask: () => [
          service().get(`/v1/tokens/${foreign.token_id}`, service().asHuman("mallory")),
          service().get(`/v1/tokens/${unknownId()}`, service().asHuman("mallory")),
        ],
      },
      {
        what: "platform's list of tokens",
        ask: () => [
          service().get("/v1/tokens?platform=bank", asShop()),
          service().get("/v1/tokens?platform=nowhere", asShop()),
        ],
      },
      {
        what: "platform's list of keys",
        ask: () => [
          service().get("/v1/keys?platform=bank", asShop()),
          service().get("/v1/keys?platform=nowhere", asShop()),
        ],
      },
      {
        what: "platform's key to rotate",
        ask: () => [
          service().send("POST", "/v1/keys/rotate", { platform: "bank" }, asShop()),
          service().send("POST", "/v1/keys/rotate", { platform: "nowhere" }, asShop()),
        ],
      },
      {
        what: "platform to issue for",
        ask: () => [
          service().send(
            "POST",
            "/v1/tokens",
            { platform: "bank", on_behalf_of: { subject: "alice" } },
            asShop(),
          ),
          service().send(
            "POST",
            "/v1/tokens",
            { platform: "nowhere", on_behalf_of: { subject: "alice" } },
            asShop(),
          ),
        ],
      },
      {
        what: "platform that does not admit a person",
        ask: () => [
          service().send("POST", "/v1/tokens", { platform: "bank" }, asPartner()),
          service().send("POST", "/v1/tokens", { platform: "nowhere" }, asPartner()),
        ],
      },
      {
        what: "the reserved platform",
        ask: () => [
          service().send("POST", "/v1/tokens", { platform: "bakehouse" }, service().asHuman("alice")),
          service().send("POST", "/v1/tokens", { platform: "nowhere" }, service().asHuman("alice")),
        ],
      },
      {
        what: "platform's policy, to another's credential",
        ask: () => [
          service().get("/v1/platforms/bank/policy", asShop()),
          service().get("/v1/platforms/nowhere/policy", asShop()),
        ],
      },
    ])("$what", async ({ ask }) => {
      const [there, nowhere] = await Promise.all(ask());
      if (there === undefined || nowhere === undefined) throw new Error("two answers are compared");
      expect(comparable(there)).toBe(comparable(nowhere));
    });
  });

  const asPartner = () => service().asHuman({ subject: "alice", issuer: "https://partner.test" });

  test("a person has another principal id on every platform", () => {
    expect(own.principal.subject).toBe(foreign.principal.subject);
    expect(own.principal.id).not.toBe(foreign.principal.id);
  });

  test("lists hold one's own and nothing else", async () => {
    const tokens = (await service().get("/v1/tokens", asShop())).json<{ items: Issued[] }>().items;
    expect(new Set(tokens.map(({ platform }) => platform))).toEqual(new Set(["shop"]));
    const keys = (await service().get("/v1/keys", asShop())).json<{ items: { platform: string }[] }>().items;
    expect(keys.map(({ platform }) => platform)).toEqual(["shop"]);
  });

  test("the log shows a platform its own entries, and not what another has revoked", async () => {
    const theirs = await service().issue({ platform: "bank" });
    const ours = await service().issue({ platform: "shop" });
    await service().revoke([{ token_id: theirs.token_id }], service().asPlatform("bank"));
    await service().revoke([{ token: narrow(theirs.token, "agent = a") }]);
    await service().revoke([{ token_id: ours.token_id }], asShop());
    await service().revoke([{ token: narrow(ours.token, "agent = a") }]);
    const { items } = (await service().get("/v1/revocations?limit=1000", asShop())).json<{
      items: Revoked["revocations"];
    }>();
    const said = JSON.stringify(items);
    expect(said).toContain(ours.token_id);
    expect(said).not.toContain(theirs.token_id);
    expect(said).not.toContain(linkOf(narrow(theirs.token, "agent = a")));
  });

  test("a platform's word about a person makes another principal than the issuer's", async () => {
    const body = { platform: "shop", on_behalf_of: { subject: "alice" } };
    const asserted = (await service().send("POST", "/v1/tokens", body, asShop())).json<Issued>();
    expect(asserted.principal).toMatchObject({ subject: "alice", asserted_by: "platform" });
    expect(asserted.principal.id).not.toBe(own.principal.id);
    expect(own.principal).not.toHaveProperty("asserted_by");
    expect(await service().verify(asserted.token, {}, {}, "shop")).toMatchObject({
      principal: { asserted_by: "platform" },
    });
  });

  test("a platform's token opens nothing of the API", async () => {
    for (const path of ["/v1/tokens", "/v1/keys", "/v1/revocations", "/v1/platforms"]) {
      const refused = await service().get(path, bearer(own.token));
      expect(comparable(refused)).toBe(comparable(await service().get(path, bearer(unknownToken))));
      expect(refused.status).toBe(401);
    }
  });
});

function tokenOf(headers: Readonly<Record<string, string>>): string {
  return headers["authorization"]?.slice("Bearer ".length) ?? "";
}

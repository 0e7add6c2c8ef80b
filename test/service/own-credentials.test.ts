import { beforeAll, expect, test } from "vitest";

import { bearer, describeService, type Issued } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

interface Listed {
  readonly items: readonly {
    readonly token_id: string;
    readonly status: string;
    readonly principal: { readonly subject: string };
  }[];
}

const OWN = "/v1/tokens?platform=bakehouse";

describeService("a platform's own credentials", (service) => {
  let mine: string;
  let theirs: Issued;
  const asMine = () => bearer(mine);

  const another = async (platform: string): Promise<Issued> =>
    (await service().send("POST", `/v1/platforms/${platform}/credentials`, {}, service().asAdmin())).json();
  const works = async (token: string) => (await service().get("/v1/tokens", bearer(token))).status === 200;
  const revoke = (target: object, headers: Readonly<Record<string, string>>) =>
    service().send("POST", "/v1/revocations", { targets: [target] }, headers);

  beforeAll(async () => {
    mine = await service().createPlatform("mine");
    await service().createPlatform("theirs");
    theirs = await another("theirs");
  });

  test("are listed and shown to it, and nobody else's are", async () => {
    const second = await another("mine");
    const answer = await service().get(OWN, asMine());
    expect(answer.status, answer.text).toBe(200);
    const { items } = answer.json<Listed>();
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({ token_id: second.token_id, principal: { subject: "platform:mine" } });
    expect(new Set(items.map(({ principal }) => principal.subject))).toEqual(new Set(["platform:mine"]));
    expect(answer.text).not.toContain(second.token);

    expect((await service().get(`/v1/tokens/${second.token_id}`, asMine())).status).toBe(200);
    expect((await service().get(`/v1/tokens/${theirs.token_id}`, asMine())).status).toBe(404);
    expect((await service().get("/v1/tokens?platform=theirs", asMine())).status).toBe(404);
    const plain = await service().get("/v1/tokens", asMine());
    expect(plain.json<Listed>().items).toEqual([]);
  });

  test("are not listed by one that may not read", async () => {
    const narrowed = narrow(mine, "action in issue, verify");
    expect((await service().get(OWN, bearer(narrowed))).status).toBe(403);
  });

  test.each(["token_id", "revocation_id"] as const)(
    "are revoked by it by %s, the others live",
    async (kind) => {
      const lost = await another("mine");
      expect(await works(lost.token)).toBe(true);
      const id = kind === "token_id" ? lost.token_id : linkOf(lost.token);
      expect((await revoke({ [kind]: id }, asMine())).status).toBe(200);
      expect(await works(lost.token)).toBe(false);
      expect(await works(mine)).toBe(true);
      const { items } = (await service().get(OWN, asMine())).json<Listed>();
      expect(items.find(({ token_id }) => token_id === lost.token_id)?.status).toBe("revoked");
      const later = service().replica();
      await later.start();
      expect((await later.get("/v1/tokens", bearer(lost.token))).status).toBe(401);
      await later.stop();
    },
  );

  test("are revoked by their holder once only: below what it has revoked, nothing is added", async () => {
    const lost = await another("mine");
    interface Revoked {
      readonly sequence: string;
    }
    const first = (await revoke({ token_id: lost.token_id }, asMine())).json<Revoked>();
    for (const token of [lost.token, narrow(lost.token, "action in verify")]) {
      const again = await revoke({ token }, {});
      expect(again.status, again.text).toBe(200);
      expect(again.json<Revoked>().sequence).toBe(first.sequence);
    }
  });

  test("of another platform and of an administrator are beyond its reach", async () => {
    const admin = service().adminToken;
    const [listed] = (await service().get(OWN, service().asAdmin()))
      .json<Listed>()
      .items.filter(({ principal }) => principal.subject === "administrator");
    const targets = [
      { token_id: theirs.token_id },
      { revocation_id: linkOf(theirs.token) },
      { token_id: listed?.token_id },
      { revocation_id: linkOf(admin) },
      { principal: { issuer: "bakehouse", subject: "platform:theirs" } },
    ];
    // As with every foreign link: it is answered, and does nothing.
    for (const target of targets) expect((await revoke(target, asMine())).status).toBe(200);
    expect((await revoke({ platform: "bakehouse" }, asMine())).status).toBe(404);
    expect(await works(theirs.token)).toBe(true);
    expect((await service().get("/v1/platforms", bearer(admin))).status).toBe(200);
  });

  test("do not fall to a person who calls themselves as their principal does", async () => {
    const who = { subject: "platform:mine" };
    const answer = await revoke({ revocation_id: linkOf(mine) }, service().asHuman(who));
    expect(answer.status).toBe(200);
    expect(await works(mine)).toBe(true);
    expect((await service().get(OWN, service().asHuman(who))).json<Listed>().items).toEqual([]);
  });
});

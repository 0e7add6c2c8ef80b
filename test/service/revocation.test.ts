import { expect, test } from "vitest";

import { bearer, describeService, type Issued, type Problem, type Revoked } from "../support/service.ts";
import { forged, linkOf, narrow } from "../support/service-macaroons.ts";

const ELSEWHERE = "https://login.example.com";
const NO_GOOD_TOKEN = {
  status: 404,
  code: "not_found",
  detail: "is not a good token of this service",
};

describeService("revoking: who may, and what it reaches", (service) => {
  const isAllowed = async (token: string, platform = "default") =>
    (await service().verify(token, {}, {}, platform)).allowed;

  const send = (targets: readonly object[], headers: Readonly<Record<string, string>> = {}) =>
    service().send("POST", "/v1/revocations", { targets }, headers);

  /**
   * Revokes descendants, as many in one request as may be, until the allowance is used up, however slowly that goes.
   *
   * @returns the number that were revoked
   */
  async function sendUntilRefused(token: string): Promise<number> {
    for (let count = 0; count < 1_000; count += 32) {
      const names = Array.from({ length: 32 }, (_, index) => `agent = a#${count + index}`);
      const { status } = await send(names.map((name) => ({ token: narrow(token, name) })));
      if (status === 429) return count;
      expect(status).toBe(200);
    }
    throw new Error("a thousand descendants were revoked, and none was refused");
  }

  test("a holder needs nothing but the token, and reaches that link", async () => {
    const { token } = await service().issue();
    const child = narrow(token, "agent = child");
    const { revocations } = await service().revoke([{ token: child }]);
    expect(revocations).toEqual([
      {
        id: expect.any(String),
        target: { revocation_id: linkOf(child) },
        revoked_at: expect.any(String),
        sequence: expect.any(String),
        scope: "link",
      },
    ]);
    expect(await isAllowed(child)).toBe(false);
    expect(await isAllowed(token)).toBe(true);
  });

  test.each([
    { what: "text that is no token", make: () => "AAAA" },
    { what: "a forgery", make: forged },
    { what: "an expired one", make: (token: string) => narrow(token, "time < 2020-01-01T00:00:00Z") },
    { what: "one under an unknown key", make: (token: string) => renamed(token) },
  ])("by possession, $what is no good token: 404, and the others of the request stay", async ({ make }) => {
    const { token } = await service().issue();
    const answer = await send([{ token }, { token: make(token) }]);
    expect(answer.json<Problem>()).toMatchObject({ ...NO_GOOD_TOKEN, member: "targets[1].token" });
    expect(await isAllowed(token)).toBe(true);
  });

  test.each([
    { target: () => ({ revocation_id: "AAAAAAAAAAAAAAAAAAAAAA" }) },
    { target: () => ({ token_id: "019a8b3c-5d7e-7f10-8a2b-3c4d5e6f7081" }) },
  ])("without a credential nothing is revoked by a name", async ({ target }) => {
    const { token } = await service().issue();
    const answer = await send([{ token }, target()]);
    expect(answer.status).toBe(401);
    expect(await isAllowed(token)).toBe(true);
  });

  test("a credential that is no good is refused even where none is needed", async () => {
    const { token } = await service().issue();
    const answer = await send([{ token }], bearer("AAAA"));
    expect(answer.status).toBe(401);
    expect(await isAllowed(token)).toBe(true);
  });

  test("a person revokes their own tokens, wherever they are", async () => {
    await service().createPlatform("shop-own");
    const here = await service().issue({}, "bob");
    const there = await service().issue({ platform: "shop-own" }, "bob");
    const asBob = service().asHuman("bob");
    const { revocations } = await service().revoke(
      [{ token_id: here.token_id }, { revocation_id: there.revocation_id }],
      asBob,
    );
    expect(revocations.map(({ scope }) => scope)).toEqual(["principal", "principal"]);
    expect(await isAllowed(here.token)).toBe(false);
    expect(await isAllowed(there.token, "shop-own")).toBe(false);
  });

  test("a person revokes what a platform issued on their behalf", async () => {
    const answer = await service().send(
      "POST",
      "/v1/tokens",
      { platform: "default", on_behalf_of: { subject: "carol" } },
      service().asPlatform(),
    );
    const { token, token_id } = answer.json<Issued>();
    await service().revoke([{ token_id }], service().asHuman("carol"));
    expect(await isAllowed(token)).toBe(false);
  });

  test.each([
    { who: "another person", as: () => service().asHuman("mallory") },
    {
      who: "a person of the same name from another issuer",
      as: () => service().asHuman({ subject: "alice", issuer: ELSEWHERE }),
    },
    {
      who: "an administrator's group named by another issuer",
      as: () => service().asHuman({ subject: "mallory", issuer: ELSEWHERE, groups: ["admins"] }),
    },
    { who: "another platform", as: () => service().asPlatform("stranger") },
  ])("naming what is not one's own is answered and does nothing: $who", async ({ as }) => {
    await service()
      .createPlatform("stranger")
      .catch(() => undefined); // by the first of these tests
    const { token, token_id, revocation_id } = await service().issue();
    const answer = await send([{ token_id }, { revocation_id }], as());
    expect(answer.status).toBe(200);
    expect(await isAllowed(token)).toBe(true);
    // And its owner's own entry is not swallowed by it.
    await service().revoke([{ token_id }], service().asHuman("alice"));
    expect(await isAllowed(token)).toBe(false);
  });

  test.each([
    { who: "by credential", as: () => service().asAdmin() },
    { who: "by group", as: () => service().asHuman({ subject: "root", groups: ["admins"] }) },
  ])("an administrator reaches every platform: $who", async ({ who, as }) => {
    const name = who.replaceAll(" ", "-");
    await service().createPlatform(name);
    const one = await service().issue();
    const other = await service().issue({ platform: name });
    const { revocations } = await service().revoke(
      [{ token_id: one.token_id }, { revocation_id: other.revocation_id }],
      as(),
    );
    expect(revocations.map(({ scope }) => scope)).toEqual(["all", "all"]);
    expect(await isAllowed(one.token)).toBe(false);
    expect(await isAllowed(other.token, name)).toBe(false);
  });

  test("token_id kills a whole tree and no other", async () => {
    const tree = await service().issue();
    const other = await service().issue();
    const links = [tree.token, narrow(tree.token, "agent = a"), narrow(tree.token, "agent = b", "x = 1")];
    await service().revoke([{ token_id: tree.token_id }], service().asPlatform());
    for (const link of links) expect(await service().verify(link)).toMatchObject({ code: "revoked" });
    expect(await isAllowed(other.token)).toBe(true);
  });

  test("the same target in the same scope answers the first entry, in another scope a new one", async () => {
    const { token_id, token, revocation_id } = await service().issue();
    const child = narrow(token, "agent = a");
    const targets = [{ revocation_id: linkOf(child) }];
    const first = await service().revoke(targets, service().asPlatform());
    expect(await service().revoke(targets, service().asPlatform())).toEqual(first);
    const both = await service().revoke([...targets, ...targets, { token_id }], service().asPlatform());
    expect(both.revocations[0]).toEqual(first.revocations[0]);
    expect(both.revocations[1]).toEqual(first.revocations[0]);
    const wider = await service().revoke(targets, service().asAdmin());
    expect(wider.revocations[0]?.id).not.toBe(first.revocations[0]?.id);
    expect(wider.revocations[0]?.scope).toBe("all");
    expect(revocation_id).not.toBe(linkOf(child));
  });

  test("a holder adds nothing below what is revoked already", async () => {
    const { token } = await service().issue();
    const first = await service().revoke([{ revocation_id: linkOf(token) }], service().asPlatform());
    const below = await service().revoke([{ token: narrow(token, "agent = a") }, { token }]);
    // The first entry again, shown as what it does to the holder: not what its author named, or why.
    const { id, sequence } = first.revocations[0] ?? {};
    const seen = below.revocations.map(({ target: _, ...entry }) => entry);
    const entry = expect.objectContaining({ id, sequence, scope: "link" });
    expect(seen).toEqual([entry, entry]);
    expect(below.sequence).toBe(first.sequence);
  });

  test("holders of one tree are held to a rate, and the credentialed are not", async () => {
    const { token } = await service().issue();
    const other = await service().issue();
    expect(await sendUntilRefused(token)).toBeGreaterThanOrEqual(20);
    expect((await send([{ token: narrow(other.token, "agent = a") }])).status).toBe(200);
    expect((await send([{ revocation_id: linkOf(token) }], service().asPlatform())).status).toBe(200);
  });

  test("no descendant uses up the allowance of a link above it", async () => {
    const { token } = await service().issue();
    const middle = narrow(token, "agent = middle");
    const rogue = narrow(middle, "agent = rogue");
    await sendUntilRefused(rogue);
    for (const above of [rogue, middle, token]) expect((await send([{ token: above }])).status).toBe(200);
    expect(await isAllowed(token)).toBe(false);
  });

  test("the holder of a dead link adds nothing, and takes nothing from those above", async () => {
    const { token } = await service().issue();
    const child = narrow(token, "agent = child");
    const sibling = narrow(token, "agent = sibling");
    const { sequence } = await service().revoke([{ token: child }]);
    for (let index = 0; index < 30; index++) {
      const again = await send([{ token: child }]);
      expect(again.json<Revoked>().sequence).toBe(sequence);
    }
    expect((await send([{ token: sibling }])).status).toBe(200);
    expect((await send([{ token }])).status).toBe(200);
  });

  test("a credential's holder revokes it by possession, and it is dead", async () => {
    const credential = await service().createPlatform("leaver");
    const narrowed = narrow(credential, "action in read");
    const get = (token: string) => service().get("/v1/tokens", bearer(token));
    expect((await get(narrowed)).status).toBe(200);
    await service().revoke([{ token: narrowed }]);
    const refused = await get(narrowed);
    expect(refused.status).toBe(401);
    expect(refused.json<Problem>().detail).toBe(
      "the credential, or one that it was narrowed from, has been revoked",
    );
    expect((await get(credential)).status).toBe(200);
    await service().revoke([{ token: credential }]);
    expect((await get(credential)).status).toBe(401);
  });

  test("a platform cannot revoke an administrator's credential by naming it", async () => {
    await service().revoke([{ revocation_id: linkOf(service().adminToken) }], service().asPlatform());
    expect((await service().get("/v1/platforms", service().asAdmin())).status).toBe(200);
  });

  test("an entry holds from its answer on, and everything waits for its sequence", async () => {
    const { token } = await service().issue();
    const answer = await send([{ token }]);
    const { sequence } = answer.json<Revoked>();
    expect(await service().verify(token)).toMatchObject({ allowed: false, code: "revoked" });
    expect(await service().verify(token, {}, { min_sequence: sequence })).toMatchObject({ sequence });
  });

  test("many targets in one request are all revoked, their numbers in order", async () => {
    const issued = [];
    for (let index = 0; index < 5; index++) issued.push(await service().issue());
    const targets = issued.map(({ token_id }) => ({ token_id }));
    const { revocations, sequence } = await service().revoke(targets, service().asPlatform());
    const numbers = revocations.map((entry) => Number(entry.sequence.split("-").at(-1)));
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
    expect(sequence).toBe(revocations.at(-1)?.sequence);
    for (const { token } of issued) expect(await isAllowed(token)).toBe(false);
  });

  test("the reason is on record for those who read the log, and cut to the author's scope", async () => {
    const { token_id } = await service().issue();
    const body = { targets: [{ token_id }], reason: "left the sandbox" };
    await service().send("POST", "/v1/revocations", body, service().asPlatform());
    const log = await service().get("/v1/revocations?limit=1000", service().asPlatform());
    const { items } = log.json<{ items: Revoked["revocations"] }>();
    expect(items).toContainEqual(
      expect.objectContaining({ target: { token_id }, reason: "left the sandbox", scope: "platform" }),
    );
  });

  test.each([
    { caveat: "action in verify", allowed: false },
    { caveat: "action in verify, revoke", allowed: true },
    { caveat: "platform = default", allowed: true },
    { caveat: "platform = other", allowed: false },
  ])("a platform's credential with `$caveat` may revoke: $allowed", async ({ caveat, allowed }) => {
    const { token, token_id } = await service().issue();
    const credential = narrow(service().asPlatform()["authorization"]?.slice(7) ?? "", caveat);
    const answer = await send([{ token_id }], bearer(credential));
    expect(answer.status).toBe(allowed ? 200 : 403);
    expect(await isAllowed(token)).toBe(!allowed);
  });
});

/** A token whose identifier names another root key. */
function renamed(token: string): string {
  const bytes = Buffer.from(token, "base64url");
  const at = bytes.indexOf("bh1.") + 4;
  bytes.write("AAAAAAAAAAAAAAAA", at, "latin1");
  return bytes.toString("base64url");
}

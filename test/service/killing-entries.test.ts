/** A refusal says which link was revoked, when, by which kind of author, and to the author's own side why. */
import { expect, test } from "vitest";

import { describeService, type Refused } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";
import { callsOfRequests } from "../support/service-store.ts";

describeService("entries that kill", (service) => {
  const chain = async () => {
    const { token, token_id } = await service().issue();
    const researcher = narrow(token, "agent = researcher#1");
    const scraper = narrow(researcher, "agent = scraper#2", "action = read");
    return { token, token_id, researcher, scraper };
  };
  const killed = async (token: string, headers = service().asPlatform(), more: object = {}) => {
    const question = { token, context: { action: "read" }, ...more };
    const answer = await service().send("POST", "/v1/verify", question, headers);
    expect(answer.json<Refused>(), answer.text).toMatchObject({ allowed: false, code: "revoked" });
    return answer.json<{ revocation?: Record<string, unknown> }>().revocation;
  };

  test("a holder's names the link in the middle of the chain, to all that descend from it", async () => {
    const { researcher, scraper } = await chain();
    const body = { targets: [{ token: researcher }], reason: "seen in a log" };
    await service().send("POST", "/v1/revocations", body);
    const expected = {
      target: { revocation_id: linkOf(researcher) },
      revocation_id: linkOf(researcher),
      agent: "researcher#1",
      depth: 1,
      by: "holder",
    };
    // What a holder wrote about its platform's token is the platform's to read, and not the person's.
    expect(await killed(scraper)).toMatchObject({ ...expected, reason: "seen in a log" });
    const asPerson = await killed(scraper, service().asHuman("alice"), { dry_run: true });
    expect(asPerson).toMatchObject(expected);
    expect(asPerson).not.toHaveProperty("reason");
    expect(Date.parse(String(asPerson?.["revoked_at"]))).toBeGreaterThan(0);
  });

  test("a person's by the token's id means what was issued, and its reason is theirs", async () => {
    const { token, token_id, scraper } = await chain();
    const mine = service().asHuman("alice");
    await service().send("POST", "/v1/revocations", { targets: [{ token_id }], reason: "my own" }, mine);
    const expected = {
      target: { token_id },
      revocation_id: linkOf(token),
      agent: null,
      depth: 0,
      by: "principal",
    };
    const seen = await killed(scraper);
    expect(seen).toMatchObject(expected);
    expect(seen).not.toHaveProperty("reason");
    expect(await killed(scraper, mine, { dry_run: true })).toMatchObject({ ...expected, reason: "my own" });
  });

  test("a reason that its author made public is told to whoever verifies, and in the log to nobody more", async () => {
    const { token_id, scraper } = await chain();
    const mine = service().asHuman("alice");
    const body = { targets: [{ token_id }], reason: "the laptop was stolen", public_reason: true };
    expect((await service().send("POST", "/v1/revocations", body, mine)).status).toBe(200);
    expect(await killed(scraper)).toMatchObject({ by: "principal", reason: body.reason });
    const log = await service().get("/v1/revocations?limit=1000", service().asPlatform());
    expect(log.text).toContain(token_id);
    expect(log.text).not.toContain(body.reason);
    // What stands already keeps what it was written with.
    const again = { targets: [{ token_id }], reason: "another", public_reason: false };
    await service().send("POST", "/v1/revocations", again, mine);
    expect(await killed(scraper)).toMatchObject({ reason: body.reason });
  });

  test("a public reason is one: without a reason the request is refused", async () => {
    const { token } = await chain();
    for (const more of [{ public_reason: true }, { public_reason: "yes", reason: "x" }]) {
      const answer = await service().send("POST", "/v1/revocations", { targets: [{ token }], ...more });
      expect(answer.json(), answer.text).toMatchObject({ status: 400, member: "public_reason" });
    }
    expect(await service().verify(token)).toMatchObject({ allowed: true });
  });

  test("below a token a public reason is told to its platform, too", async () => {
    const { token_id } = await chain();
    const mine = service().asHuman("alice");
    const targets = [{ agent: "researcher", token_id }];
    const body = { targets, reason: "it looped", public_reason: true };
    await service().send("POST", "/v1/revocations", body, mine);
    const seen = async (headers: Readonly<Record<string, string>>) =>
      (await service().get(`/v1/tokens/${token_id}`, headers)).json<{ revoked_below: unknown }>()
        .revoked_below;
    expect(await seen(mine)).toMatchObject([{ agent: "researcher", reason: "it looped" }]);
    // As in its view of the log, a platform is told no agent's name that others revoked.
    expect(await seen(service().asPlatform())).toEqual([]);
  });

  test("an agent's names the hand-over to it", async () => {
    const { researcher, scraper, token_id } = await chain();
    await service().revoke([{ agent: "scraper", token_id }], service().asPlatform());
    expect(await killed(scraper)).toMatchObject({
      target: { agent: "scraper", token_id },
      revocation_id: linkOf(narrow(researcher, "agent = scraper#2")),
      agent: "scraper#2",
      depth: 2,
      by: "platform",
    });
    expect(await service().verify(researcher)).toMatchObject({ allowed: true });
  });

  test("it is read once, and a database that does not answer keeps no refusal back", async () => {
    const { token, scraper } = await chain();
    await service().revoke([{ token }]);
    service().watched.setDown(true);
    try {
      expect(await killed(scraper)).toBeUndefined();
    } finally {
      service().watched.setDown(false);
    }
    expect(await killed(scraper)).toMatchObject({ by: "holder" });
    const { calls } = service().watched;
    const before = calls.length;
    for (let n = 0; n < 5; n++)
      expect(await killed(n % 2 === 0 ? scraper : token)).toMatchObject({ depth: 0 });
    expect(callsOfRequests(calls.slice(before))).toEqual([]);
  });

  test("a batch tells it of each dead token, read once for each entry", async () => {
    const one = await chain();
    const other = await service().issue();
    const good = await service().issue();
    await service().revoke([{ token: one.researcher }]);
    await service().revoke([{ token: other.token }]);
    const before = service().watched.calls.length;
    const tokens = [one.scraper, other.token, good.token, one.researcher];
    const requests = tokens.map((token) => ({ token, context: { action: "read" } }));
    const batch = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    expect(batch.json<{ results: readonly object[] }>().results).toMatchObject([
      {
        code: "revoked",
        revocation: { revocation_id: linkOf(one.researcher), agent: "researcher#1", by: "holder" },
      },
      { code: "revoked", revocation: { revocation_id: linkOf(other.token), depth: 0 } },
      { allowed: true },
      { code: "revoked", revocation: { revocation_id: linkOf(one.researcher) } },
    ]);
    expect(callsOfRequests(service().watched.calls.slice(before))).toHaveLength(2);
  });

  test("a batch answers without it where the database does not", async () => {
    const { token } = await service().issue();
    await service().revoke([{ token }]);
    const requests = Array.from({ length: 20 }, () => ({ token, context: {} }));
    service().watched.setDown(true);
    try {
      const batch = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
      const { results } = batch.json<{ results: readonly object[] }>();
      expect(results).toHaveLength(20);
      for (const result of results) {
        expect(result).toMatchObject({ code: "revoked" });
        expect(result).not.toHaveProperty("revocation");
      }
    } finally {
      service().watched.setDown(false);
    }
  });
});

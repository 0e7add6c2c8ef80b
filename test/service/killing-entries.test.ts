/** A refusal says which link was revoked, when, by which kind of author, and to the author's own side why. */
import { expect, test } from "vitest";

import { describeService, type Refused } from "../support/service.ts";
import { linkOf, narrow } from "../support/service-macaroons.ts";

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
    expect(calls.slice(before)).toEqual([]);
  });

  test("a batch of dead tokens reads nothing for it", async () => {
    const dead = await Promise.all(Array.from({ length: 5 }, () => service().issue()));
    for (const { token } of dead) await service().revoke([{ token }]);
    const before = service().watched.calls.length;
    const requests = dead.map(({ token }) => ({ token, context: {} }));
    const batch = await service().send("POST", "/v1/verify/batch", { requests }, service().asPlatform());
    expect(batch.json<{ results: readonly Refused[] }>().results.map(({ code }) => code)).toEqual(
      Array(5).fill("revoked"),
    );
    expect(service().watched.calls.slice(before)).toEqual([]);
  });
});
